"""What is kept of a conversion, and how a later run tells whether it still stands."""

import functools
import hashlib
from collections.abc import Iterable
from pathlib import Path

from shimtool.assets import BOOT_FILES, Assets
from shimtool.commands.planning import Outcome, ParsedGuest, new_config
from shimtool.model import Plan, SourceFile
from shimtool.output.guest import Desk
from shimtool.output.report import Input, Output, Record, hashed
from shimtool.system.files import stamp_of


def make_record(outcome: Outcome, desk: Desk, written: Iterable[Path]) -> Record:
    """Describe a planned guest whose files were `written`."""
    assert outcome.draft and outcome.plan  # noqa: S101 - planned outcomes have both
    plan = outcome.plan
    return Record(
        name=plan.guest.name,
        mode=plan.mode,
        shim=plan.image.shim.name,
        shim_sha256=plan.image.shim.sha256,
        fingerprint=fingerprint(outcome, desk),
        config=_config_input(outcome.draft),
        inputs=tuple(map(Input.of, sources(plan))),
        outputs=tuple(_output(path, desk.out) for path in written),
        warnings=plan.warnings,
        options=desk.options.recorded(),
    )


def fingerprint(outcome: Outcome, desk: Desk) -> str:
    """Hash all that decides a guest's outputs: its new config, its inputs, how they are packed."""
    assert outcome.plan  # noqa: S101 - planned outcomes have one
    plan, image = outcome.plan, outcome.plan.image
    return hashed(
        new_config(outcome),
        image.shim.sha256,
        image.shim_args,
        image.command_line,
        image.unpack,
        image.cpio_prefix,
        desk.options.in_place,
        [file.sha256 for file in sources(plan)],
        _loader(desk.assets),
    )


@functools.cache
def _loader(assets: Assets) -> str:
    parts = [(assets.boot / name).read_bytes() for name in BOOT_FILES]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def sources(plan: Plan) -> list[SourceFile]:
    """Kernel and ramdisk as read."""
    ramdisk = plan.image.payload.ramdisk
    return [plan.image.payload.kernel.file, *([ramdisk.file] if ramdisk else [])]


def changed_outputs(record: Record, out: Path) -> list[str]:
    """Say which outputs are not as they were written, by size and time."""
    return [why for output in record.outputs if (why := _damage(output, out))]


def _damage(output: Output, out: Path) -> str | None:
    try:
        found = _output(out / output.path, out)
    except OSError as error:
        return f"{output.path}: {error.strerror}"
    if found.size != output.size:
        return f"{output.path} has {found.size} bytes, {output.size} were written"
    return None if found == output else f"{output.path} was changed since it was written"


def _output(path: Path, out: Path) -> Output:
    shown = path.relative_to(out) if path.is_relative_to(out) else path
    status = path.stat()
    return Output(str(shown), status.st_size, status.st_mtime_ns)


def _config_input(draft: ParsedGuest) -> Input:
    path, data = draft.guest.config, draft.config.data
    return Input(str(path), str(path), hashlib.sha256(data).hexdigest(), stamp_of(path.stat()))
