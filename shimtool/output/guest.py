"""One planned guest becomes files: ISO or shim first, the config last, all or none of them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from shimtool.assets import Assets
from shimtool.commands.settings import ConvertOptions
from shimtool.errors import ShimtoolError, os_error
from shimtool.model import Mode, Payload, Plan, Shim, SourceFile
from shimtool.output.iso_content import iso_files
from shimtool.output.iso_writer import copy_whole, write_iso
from shimtool.output.originals import discard_replaced, stage_original, write_over
from shimtool.output.unpacked import UnpackedKernels
from shimtool.plan.hvm import DEVICE_MODEL_SCRIPT
from shimtool.system.files import MIB, open_regular, stamp_of
from shimtool.system.staging import Staging, write_file


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a run writes, and what it writes from."""

    out: Path
    assets: Assets
    unpacked: UnpackedKernels
    options: ConvertOptions


def write_guest(plan: Plan, config: bytes, original: bytes, desk: Desk) -> list[Path]:
    """Write all that dom0 needs to start this guest, the config last; return the files.

    With --in-place, `original` is kept and the new config also takes its place. All are
    complete and fsynced before the first appears under its name.
    """
    shim = shim_source(plan.image.shim)
    with Staging() as staging:
        *names, _config = plan.files
        if plan.mode is Mode.HVM:
            kernel = plan.image.payload.kernel
            stored = desk.unpacked.get(kernel) if plan.image.unpack else kernel.file
            name = plan.guest.name
            content = iso_files(plan.image, shim, stored, desk.assets, guest=name)
            write_iso(content, staging.open(desk.out / names[0]))
        else:
            # The shim, and what replaces pygrub where that was the boot loader.
            for name, source in zip(names, (shim, *_sources(plan.image.payload)), strict=False):
                if not _holds(desk.out / name, source):
                    copy_whole(source, staging.open(desk.out / name))
        written = [desk.out / name for name in plan.files]
        staging.open(written[-1]).write(config)
        if desk.options.in_place:
            stage_original(
                staging, desk.out, plan.guest.name, plan.guest.config, (original, config)
            )
            write_over(staging, plan.guest.config, config)
            written.append(plan.guest.config)
    if desk.options.in_place:
        discard_replaced(desk.out, plan.guest.name)
    return written


def _sources(payload: Payload) -> list[SourceFile]:
    return [payload.kernel.file, *([payload.ramdisk.file] if payload.ramdisk else [])]


def _holds(path: Path, source: SourceFile) -> bool:
    """Whether `path`, named after its content and shared by guests, is there and whole."""
    try:
        digest = hashlib.sha256()
        with open_regular(path) as file:
            while block := file.read(MIB):
                digest.update(block)
        return digest.hexdigest() == source.sha256
    except (ShimtoolError, OSError):
        return False


def write_device_model(desk: Desk) -> None:
    """Put the device-model script into --out: one for all guests, nothing of a config in it."""
    script = desk.assets.device_model.read_bytes()
    write_file(desk.out / DEVICE_MODEL_SCRIPT, script, 0o700)


def shim_source(shim: Shim) -> SourceFile:
    """The shim as a file to copy; its hash was checked against the catalogue."""
    try:
        status = shim.file.stat()
    except OSError as error:
        raise os_error(error, "read the shim", shim.file) from None
    return SourceFile(f"shimtool:{shim.name}", shim.file, shim.size, shim.sha256, stamp_of(status))
