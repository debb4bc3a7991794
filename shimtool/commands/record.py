"""What is kept of a conversion, and how a later run tells whether its outputs still stand."""

import functools
from collections.abc import Iterable, Iterator
from dataclasses import astuple, replace
from pathlib import Path

from shimtool.assets import BOOT_FILES, Assets
from shimtool.commands.outcomes import ParsedGuest, Planned
from shimtool.commands.run import Run
from shimtool.output.destination import Destination
from shimtool.output.report import Input, Output, Record, hashed
from shimtool.system.digests import sha256
from shimtool.system.files import stamp_of
from shimtool.system.staging import OTHERS_WRITE


def make_record(
    planned: Planned, run: Run, written: Iterable[Path], basis: str | None = None
) -> Record:
    """Describe a planned guest whose files were `written`; `basis` is as unchanged.py gives it."""
    plan = planned.plan
    return Record(
        name=plan.guest.name,
        mode=plan.mode,
        shim=plan.image.shim.name,
        shim_sha256=plan.image.shim.sha256,
        fingerprint=fingerprint(planned, run.destination),
        config=_config_input(planned.parsed),
        inputs=tuple(map(Input.of, plan.image.files)),
        outputs=tuple(_outputs(planned, written, run.destination.folder)),
        warnings=tuple(each.text for each in plan.warnings),
        options=run.recorded,
        basis=basis,
    )


def renewed(old: Record, planned: Planned, basis: str | None) -> Record:
    """Return the record of a guest that stands, with what tells so faster the next time."""
    inputs = tuple(map(Input.of, planned.plan.image.files))
    return replace(old, config=_config_input(planned.parsed), inputs=inputs, basis=basis)


def fingerprint(planned: Planned, to: Destination) -> str:
    """Hash all that decides a guest's outputs: its new config, its inputs, how they are packed."""
    image = planned.plan.image
    return hashed(
        planned.new_config,
        image.shim.sha256,
        image.shim_args,
        image.command_line,
        image.pre_stage and astuple(image.pre_stage),
        image.unpack,
        image.hide_gzip,
        to.in_place,
        [file.sha256 for file in image.files],
        boot_loader(to.assets),
    )


@functools.cache
def boot_loader(assets: Assets) -> str:
    """Hash what an ISO boots with."""
    parts = [(assets.boot / name).read_bytes() for name in BOOT_FILES]
    return sha256(b"".join(parts)).hexdigest()


def changed_outputs(outputs: Iterable[Output], out: Path) -> list[str]:
    """Say which outputs are not as they were written, by size and time."""
    return [why for output in outputs if (why := _change(output, out))]


def _change(output: Output, out: Path) -> str | None:
    path = out / output.path
    try:
        found = path.stat()
    except OSError as error:
        return f"{output.path}: {error.strerror}"
    if found.st_size != output.size:
        return f"{output.path} has {found.st_size} bytes, {output.size} were written"
    if found.st_mtime_ns != output.mtime_ns:
        return f"{output.path} was changed since it was written"
    if found.st_mode & OTHERS_WRITE and path.is_relative_to(out):
        return f"{output.path} can be written by others"
    return None


def _outputs(planned: Planned, written: Iterable[Path], out: Path) -> Iterator[Output]:
    config = out / planned.plan.files[-1]
    for path in written:
        output = written_as(path, out)
        if path == config:
            output = replace(output, sha256=sha256(planned.new_config).hexdigest())
        yield output


def written_as(path: Path, out: Path) -> Output:
    """Describe an output as it is now, without its hash. Raises OSError."""
    shown = path.relative_to(out) if path.is_relative_to(out) else path
    status = path.stat()
    return Output(str(shown), status.st_size, status.st_mtime_ns)


def _config_input(parsed: ParsedGuest) -> Input:
    path, data = parsed.guest.config, parsed.config.data
    return Input(str(path), str(path), sha256(data).hexdigest(), stamp_of(path.stat()))
