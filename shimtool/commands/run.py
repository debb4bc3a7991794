"""One run: what all its guests share, made from the options once."""

from dataclasses import dataclass
from pathlib import Path

from shimtool.assets import Assets, find_assets
from shimtool.commands.settings import GuestOptions
from shimtool.dom0 import facts
from shimtool.dom0.paths import SearchPaths
from shimtool.model import Host, Mode, Settings, Shim
from shimtool.output import report as reports
from shimtool.output.report import Report
from shimtool.payload.inputs import InputCache
from shimtool.shims import catalogue


@dataclass(frozen=True, slots=True)
class Session:
    """What the guests of a run share; `before` is the report that an earlier run left."""

    out: Path
    settings: Settings
    host: Host
    mode: Mode
    roots: SearchPaths
    assets: Assets
    shim: Shim
    sources: InputCache
    before: Report


def open_session(options: GuestOptions) -> Session:
    """Check the options and find the parts; raise ShimtoolError or a usage error."""
    settings, host, roots = options.settings(), options.host(), options.roots()
    assets = find_assets()
    mode = facts.chosen_mode(host, settings.mode)
    shim = catalogue.choose(catalogue.load(assets.shims), options.shim, mode, host, assets.shims)
    catalogue.verify(shim)
    before = reports.load(options.out)
    sources = InputCache(before.kernels, {} if settings.force else before.digests())
    return Session(options.out, settings, host, mode, roots, assets, shim, sources, before)
