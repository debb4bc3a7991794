"""What convert would overwrite and must not: the guest's own config, another's outputs, an edit."""

from pathlib import Path

from shimtool.commands.outcomes import Planned
from shimtool.commands.record import written_as
from shimtool.commands.run import Run
from shimtool.errors import Code, Fault, Location, ShimtoolError, fault, faults_coded
from shimtool.output.report import Output, Record
from shimtool.system.digests import sha256
from shimtool.system.files import open_regular
from shimtool.text import diff

_MOST = 8 << 20  # bytes that are looked at: no config is as long, what is replaced kept in it


def refuse_overwriting(planned: Planned, run: Run, old: Record | None) -> None:
    """Raise ShimtoolError where an output would take the place of what is not ours to replace.

    `old` is the guest's record of before.
    """
    out = run.destination.folder
    with faults_coded(Code.OVERWRITE):
        _refuse_own_config(planned, out)
        if old:
            _refuse_namesake(planned, old)
        if not run.settings.force:
            _refuse_edited(planned, old, out)


def _refuse_own_config(planned: Planned, out: Path) -> None:
    if not any(_is_same(planned.config, out / name) for name in planned.plan.files):
        return
    config = planned.config.resolve()
    if config in [(out / name).resolve() for name in planned.plan.files]:
        raise fault(
            "--out holds the guest's own config, which would be overwritten",
            planned.config,
            remedy="give another --out, or --in-place to edit the config and keep the original",
        )


def _is_same(one: Path, other: Path) -> bool:
    """Whether two names stand for one file, which a hard link may be, too."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def _refuse_namesake(planned: Planned, old: Record) -> None:
    """Refuse outputs made from another config, if that still describes a guest of this name."""
    other = Path(old.config.here)
    if other == planned.config or not other.exists() or other.samefile(planned.config):
        return
    if not _describes(other, old.name):
        return
    raise ShimtoolError(
        planned.plan.guest.fault(
            "name",
            "another config that describes a guest of this name was converted before",
            f"{other}, {planned.config}",
            f"rename one of the guests, give another --out, or move {other} away"
            f" (converted in place: shimtool restore {other} first)",
        )
    )


def _describes(config: Path, name: str) -> bool:
    """Whether a config is that of a guest of this name, as far as can be told."""
    from shimtool.configs.parse import open_config  # noqa: PLC0415 - guests that stand need it not

    try:
        found = open_config(config).name
    except ShimtoolError:
        return True
    return found is not None and found.text == name


def _refuse_edited(planned: Planned, old: Record | None, out: Path) -> None:
    """Refuse to replace a config in --out that is not as it was written; show the difference."""
    path = out / planned.plan.files[-1]
    try:
        with open_regular(path) as source:
            data = source.read(_MOST)
    except (OSError, ShimtoolError):
        return  # nothing is there or in it; of anything else than a file Staging says what it is
    if data == planned.new_config:
        return
    recorded = _recorded(old, path.name)
    if _as_written(path, data, recorded, out):
        return
    raise ShimtoolError(
        Fault(
            "this output was edited after shimtool wrote it"
            if recorded
            else "a file that shimtool did not write is in the way",
            Location(path),
            remedy=f"make the same change in {planned.config}, then convert with --force, which"
            " overwrites this file",
            detail=_difference(planned.new_config, data, path),
        )
    )


def _difference(wanted: bytes, found: bytes, path: Path) -> str:
    if b"\0" in found:
        return ""  # no config at all
    return diff(wanted, found, f"{path} as it would be", str(path))


def _recorded(old: Record | None, name: str) -> Output | None:
    return next((each for each in old.outputs if each.path == name), None) if old else None


def _as_written(path: Path, data: bytes, recorded: Output | None, out: Path) -> bool:
    if recorded is None:  # the report may be lost
        return _ours(data, path)
    if recorded.sha256 is None:  # written by an older shimtool
        return written_as(path, out) == recorded
    return sha256(data).hexdigest() == recorded.sha256


def _ours(data: bytes, path: Path) -> bool:
    from shimtool.configs.parse import parse  # noqa: PLC0415 - as above

    try:
        return parse(data, path).ours
    except ShimtoolError:
        return False
