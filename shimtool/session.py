"""One run: what all its guests share, made from the options once."""

import os
from dataclasses import dataclass
from pathlib import Path

from shimtool import report as reports
from shimtool.assets import Assets, find_assets
from shimtool.errors import fault, from_os
from shimtool.kernel.paths import Roots
from shimtool.kernel.source import Sources
from shimtool.model import Host, Mode, Settings, Shim
from shimtool.options import GuestOptions
from shimtool.plan.plan import chosen_mode
from shimtool.report import Report
from shimtool.shims import catalogue


@dataclass(frozen=True, slots=True)
class Session:
    """What the guests of a run share; `before` is the report that an earlier run left."""

    settings: Settings
    host: Host
    mode: Mode
    roots: Roots
    assets: Assets
    shim: Shim
    sources: Sources
    before: Report


def open_session(options: GuestOptions) -> Session:
    """Check the options and find the parts; raise ShimtoolError or a usage error."""
    settings, host, roots = options.settings(), options.host(), options.roots()
    assets = find_assets()
    mode = chosen_mode(host, settings)
    shim = catalogue.choose(catalogue.load(assets.shims), options.shim, mode)
    catalogue.verify(shim)
    before = reports.load(options.out)
    sources = Sources(before.kernels, before.digests())
    return Session(settings, host, mode, roots, assets, shim, sources, before)


# Files that live in /etc/xen and are no guests.
_NOT_GUESTS = ("xl.conf", "xlexample", "xmexample", "xend-config", "cpupool", "oxenstored")


def find_configs(named: list[Path], folder: Path) -> list[Path]:
    """Return the configs to read: those named, else every *.cfg in `folder`, by name."""
    if named:
        return named
    try:
        found = sorted(
            path
            for path in folder.iterdir()
            if path.suffix == ".cfg" and not path.name.startswith((".", *_NOT_GUESTS))
        )
    except OSError as error:
        raise from_os(
            error,
            "read configs",
            folder,
            "mount the configs (-v /etc/xen:/in:ro), or give --in DIR",
        ) from None
    if not found:
        raise fault(
            "no guest config (*.cfg) here",
            folder,
            seen=", ".join(sorted(os.listdir(folder))[:20]) or "an empty folder",  # noqa: PTH208 - names only
            remedy="mount the configs (-v /etc/xen:/in:ro), give --in DIR, or name the files",
        )
    return found
