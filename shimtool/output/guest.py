"""One planned guest becomes files: ISO or shim first, the config last, all or none of them."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from shimtool.assets import Assets
from shimtool.errors import ShimtoolError, os_error
from shimtool.model import Plan, Shim, SourceFile
from shimtool.model.outputs import DEVICE_MODEL_SCRIPT
from shimtool.output.copies import copy_whole
from shimtool.output.destination import Destination
from shimtool.output.originals import (
    discard_replaced,
    kept_in,
    opened_config,
    stage_original,
    write_over,
)
from shimtool.system.digests import sha256_of
from shimtool.system.files import Stamp, open_regular, stamp_of
from shimtool.system.staging import OTHERS_WRITE, Staging, write_file


def write_guest(plan: Plan, config: bytes, original: bytes, to: Destination) -> list[Path]:
    """Write all that dom0 needs to start this guest, the config last; return the files.

    With --in-place, `original` is kept and the new config also takes its place. All are
    complete and fsynced before the first appears under its name.
    """
    if not to.in_place:
        with _sharing([plan], to), Staging() as staging:
            return _stage(staging, plan, config, to)
    with opened_config(plan.guest.config) as there:
        with _sharing([plan], to), Staging() as staging:
            written = _stage(staging, plan, config, to)
            kept = kept_in(to.folder, plan.guest.name)
            stage_original(staging, kept, there, original=original, written=config)
            write_over(staging, there, config)
        discard_replaced(to.folder, plan.guest.name)
        return [*written, plan.guest.config]


def write_guests(guests: Sequence[tuple[Plan, bytes]], to: Destination) -> list[list[Path]]:
    """Write several guests' files as one: all are on disk before the first has its name.

    Plans and new configs; not for --in-place. Return each one's files. Whatever goes wrong is of
    all of them.
    """
    with _sharing([plan for plan, _config in guests], to), Staging() as staging:
        return [_stage(staging, plan, config, to) for plan, config in guests]


@contextmanager
def _sharing(plans: Sequence[Plan], to: Destination) -> Iterator[None]:
    """Let nobody else write files that guests share, where some of them are to be written."""
    shared = chain.from_iterable(map(_shared, plans))
    if all(_has_content_of(to.folder / name, source, to.whole) for name, source in shared):
        yield
        return
    with to.sharing:
        yield


def _shared(plan: Plan) -> list[tuple[str, SourceFile]]:
    """Return the shim, and what replaces a boot loader in dom0; an ISO is one guest's own."""
    if plan.on_iso is not None:
        return []
    sources = (_shim_source(plan.image.shim), *plan.image.files)
    return list(zip(plan.files[:-1], sources, strict=False))


def sizes(plan: Plan, config: bytes, assets: Assets) -> dict[str, int]:
    """Return what each file of plan.files will take, in bytes; `config` is the new one."""
    found = {name: source.size for name, source in _shared(plan)}
    if (payload := plan.on_iso) is not None:
        from shimtool.output.guest_iso import size_of_iso  # noqa: PLC0415 - not in PVH mode

        found[plan.files[0]] = size_of_iso(plan, payload, _shim_source(plan.image.shim), assets)
    return found | {plan.files[-1]: len(config)}


def _stage(staging: Staging, plan: Plan, config: bytes, to: Destination) -> list[Path]:
    """Stage the files in --out; return where they will be."""
    written = [to.folder / name for name in plan.files]
    if (payload := plan.on_iso) is not None:
        from shimtool.output.guest_iso import write_guest_iso  # noqa: PLC0415 - not in PVH mode

        shim, iso = _shim_source(plan.image.shim), written[0]
        write_guest_iso(staging.open(iso), iso=iso, plan=plan, payload=payload, shim=shim, to=to)
    for name, source in _shared(plan):
        path = to.folder / name
        if path not in staging and not _has_content_of(path, source, to.whole):
            copy_whole(source, staging.open(path))
    staging.open(written[-1]).write(config)
    return written


def _has_content_of(path: Path, source: SourceFile, whole: dict[Path, Stamp]) -> bool:
    """Whether `path`, named after its content and shared by guests, is there and whole.

    It is read once a run, and again when it was changed since.
    """
    try:
        if path in whole and stamp_of(path.lstat()) == whole[path]:
            return True
        with open_regular(path) as file:
            status = os.fstat(file.fileno())
            if status.st_mode & OTHERS_WRITE or sha256_of(file) != source.sha256:
                return False
        whole[path] = stamp_of(status)
        return True
    except (ShimtoolError, OSError):
        return False


def write_device_model(to: Destination) -> None:
    """Put the device-model script into --out: one for all guests, nothing of a config in it."""
    script = to.assets.device_model.read_bytes()
    write_file(to.folder / DEVICE_MODEL_SCRIPT, script, 0o700)


def _shim_source(shim: Shim) -> SourceFile:
    """The shim as a file to copy; who converts has verified it against the catalogue."""
    try:
        status = shim.file.stat()
    except OSError as error:
        raise os_error(error, "read the shim", shim.file) from None
    return SourceFile(f"shimtool:{shim.name}", shim.file, shim.size, shim.sha256, stamp_of(status))
