"""One run: what all its guests share, made from the settings once."""

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path

from shimtool.assets import find_assets
from shimtool.commands.settings import ConvertSettings, GuestSettings
from shimtool.deferred import dataclass
from shimtool.dom0 import facts
from shimtool.dom0.paths import SearchPaths
from shimtool.model import Host, Mode, Settings, Shim
from shimtool.output.destination import Destination
from shimtool.output.report import OptionValue, Report
from shimtool.output.report_file import load
from shimtool.output.unpacked import UnpackedKernels
from shimtool.payload.inputs import InputCache
from shimtool.shims import catalogue


@dataclass(frozen=True, slots=True)
class Run:
    """What the guests of a run share.

    `before` is the report that an earlier run left in the destination; `recorded` are the
    options that the report keeps of this one.
    """

    settings: Settings
    host: Host
    search_paths: SearchPaths
    shim: Shim
    inputs: InputCache
    destination: Destination
    before: Report
    recorded: Mapping[str, OptionValue] = field(default_factory=dict)


def open_run(settings: GuestSettings, before: Report | None = None) -> Run:
    """Check the settings and find the parts; `before` is the report, where it was read already.

    Raises UsageError for a setting that cannot be used, ShimtoolError for parts, shims or a
    report that are missing or damaged; the shim's content is for who uses it to verify.
    """
    wanted, host, paths = settings.for_plan(), settings.host(), settings.search_paths()
    assets = find_assets()
    wanted, shim = _with_shim(wanted, settings.shim, host, assets.shims)
    before = load(settings.out) if before is None else before
    in_place, threads, recorded = False, True, {}
    if isinstance(settings, ConvertSettings):
        in_place, recorded = settings.in_place, settings.recorded()
        threads = settings.at_a_time > 1
    return Run(
        settings=wanted,
        host=host,
        search_paths=paths,
        shim=shim,
        inputs=InputCache(
            before.kernels, {} if wanted.force else before.digests(), threads=threads
        ),
        destination=Destination(
            folder=settings.out,
            assets=assets,
            unpacked=UnpackedKernels(settings.out),
            in_place=in_place,
        ),
        before=before,
        recorded=recorded,
    )


def _with_shim(
    wanted: Settings, name: str | None, host: Host, folder: Path
) -> tuple[Settings, Shim]:
    """Return the shim to use, and the settings with the mode that it leaves.

    In mode auto one that was asked for and boots under HVM alone (Vixen) is used for that.
    """
    shims, mode = catalogue.load(folder), facts.chosen_mode(host, wanted.mode)
    if name is None:
        return wanted, catalogue.choose(shims, None, mode, host)
    shim = catalogue.asked_for(shims, name, folder)
    if wanted.mode is None and shim.modes == {Mode.HVM}:
        return replace(wanted, mode=Mode.HVM), shim
    return wanted, catalogue.serving(shim, mode)
