"""What the shim will start: kernel, ramdisk and command line, and whether it can."""

from dataclasses import replace

from shimtool.dom0.detect import parse_version
from shimtool.errors import Fault
from shimtool.model import (
    Block,
    BootImage,
    Compression,
    Guest,
    Mode,
    Payload,
    Shim,
    Wrapping,
)
from shimtool.plan import command_line
from shimtool.plan.command_line import Carrier
from shimtool.shims.kinds import starts_with_room

# The first Xen whose shim unpacks kernels compressed with zstd; all other kinds are older.
_ZSTD = (4, 15)

# With this a shim believes the memory map of its loader (Xen's docs/misc/xen-command-line).
_NO_BIOS = "no-real-mode"


def faults(guest: Guest, payload: Payload, shim: Shim, mode: Mode, carrier: Carrier) -> list[Fault]:
    """List why this kernel and ramdisk cannot be booted by the shim."""
    kernel, ramdisk = payload.kernel, payload.ramdisk
    found = []
    if not kernel.facts.pv:
        found.append(
            guest.fault(
                "kernel",
                "the kernel cannot run as a PV guest: it has no Xen PV entry note",
                kernel.file.dom0_path,
                "name the kernel the guest really boots (built with CONFIG_XEN_PV)",
            )
        )
    if carrier is Carrier.LOADER and ramdisk is not None and ramdisk.gzip and not ramdisk.cpio:
        found.append(
            guest.fault(
                "ramdisk",
                "the ramdisk is a gzip-compressed file system image, which the boot loader"
                " would unpack on the way",
                ramdisk.file.dom0_path,
                "gunzip it and name the unpacked file",
            )
        )
    if mode is Mode.PVH and not _unpacks(shim, kernel.facts.compression):
        found.append(
            guest.fault(
                "kernel",
                f"shim {shim.name} cannot unpack a kernel compressed with"
                f" {kernel.facts.compression}",
                kernel.file.dom0_path,
                "use --mode hvm, or a newer shim with --shim",
            )
        )
    return found


def for_iso(image: BootImage, payload: Payload) -> BootImage:
    """Decide how kernel and ramdisk are stored in an ISO, so that they pass the boot loader."""
    facts, ramdisk = payload.kernel.facts, payload.ramdisk
    packed = facts.wrapping is Wrapping.COMPRESSED_ELF
    return replace(
        image,
        # mboot.c32 would unzip a gzipped kernel, and keep only its first member.
        unpack=packed or not _unpacks(image.shim, facts.compression),
        hide_gzip=ramdisk is not None and ramdisk.gzip,
    )


def takes_block(image: BootImage, block: Block) -> bool:
    """Whether the pre-stage, if there is one, can make such a block free for this shim."""
    line = _without_bios(image).encode(errors="surrogateescape")
    fits = block.is_possible() and len(line) <= command_line.MOST
    return image.pre_stage is not None and starts_with_room(image.shim) and fits


def with_block(image: BootImage, block: Block) -> BootImage:
    """Let the pre-stage make a block free that `takes_block` allows."""
    assert image.pre_stage is not None  # noqa: S101 - takes_block() has looked
    before = replace(image.pre_stage, block=block)
    return replace(image, shim_args=_without_bios(image), pre_stage=before)


def _without_bios(image: BootImage) -> str:
    """Return the shim's line with which it does not ask the BIOS where memory is."""
    words = image.shim_args.split()
    return " ".join(words if _NO_BIOS in words else [*words, _NO_BIOS])


def _unpacks(shim: Shim, compression: Compression) -> bool:
    """Whether the shim unpacks such a kernel itself."""
    if compression is not Compression.ZSTD:
        return True
    version = parse_version(shim.version) if shim.version else (0, 0, None)
    return version[:2] >= _ZSTD
