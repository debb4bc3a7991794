"""What the readers are tested with: a guest's files, and what was extracted of its disks."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shimtool.errors import Location, ShimtoolError
from shimtool.model import SourceFile
from shimtool.payload.guest_disk.extract import Extraction, GuestDisk, extract
from shimtool.payload.guest_disk.find_boot_entry import BootRequest
from shimtool.payload.reopen import open_source
from tests.support import kernel_builder as build
from tests.support.disks import Files, grub_cfg


def kernel(filler: bytes) -> bytes:
    """Make a PV kernel, as small as can be, with some filler in it."""
    return build.elf(segment=build.notes(build.PV_NOTES), body=filler)


KERNEL = kernel(random.Random(1).randbytes(1_500_001))  # noqa: S311 - filler, not a secret
RAMDISK = random.Random(2).randbytes(2_700_003)  # noqa: S311 - filler, not a secret
LINE = "root=/dev/xvda1 ro  quiet"
ENTRY = ("Debian GNU/Linux", "/boot/vmlinuz-6.1", LINE, "/boot/initrd.img-6.1")

# As Debian lays out a guest with everything on one file system.
WHOLE: Files = {
    "/boot/grub/grub.cfg": grub_cfg(ENTRY),
    "/boot/vmlinuz-6.1": KERNEL,
    "/boot/initrd.img-6.1": RAMDISK,
    "/vmlinuz": "boot/vmlinuz-6.1",
    "/initrd.img": "/boot/initrd.img-6.1",
}
# /boot on a partition of its own.
BOOT: Files = {
    "/grub/grub.cfg": grub_cfg((ENTRY[0], "/vmlinuz-6.1", LINE, "/initrd.img-6.1")),
    "/vmlinuz-6.1": KERNEL,
    "/initrd.img-6.1": RAMDISK,
}
NOTHING: Files = {"/etc/hostname": b"guest\n"}


@dataclass(frozen=True)
class Read:
    kernel: bytes
    ramdisk: bytes | None
    found: Extraction


def found(
    images: Sequence[Path], kind: str = "raw", wanted: BootRequest | None = None
) -> Extraction:
    disks = [GuestDisk(f"/dev/vg0/{image.stem}", image, kind) for image in images]
    return extract(disks, wanted or BootRequest(), Location("guest.cfg", 4))


def read(*images: Path, kind: str = "raw", wanted: BootRequest | None = None) -> Read:
    """Extract from disks, and read what was found."""
    result = found(images, kind, wanted)
    ramdisk = content(result.ramdisk.file) if result.ramdisk else None
    return Read(content(result.kernel.file), ramdisk, result)


def content(file: SourceFile) -> bytes:
    """Read a file of a disk as it is copied: only forwards."""
    parts = []
    with open_source(file) as source:
        while block := source.read(1 << 20):
            parts.append(block)
    return b"".join(parts)


def refused(*images: Path, kind: str = "raw", wanted: BootRequest | None = None) -> str:
    """Say why nothing is extracted."""
    try:
        result = read(*images, kind=kind, wanted=wanted)
    except ShimtoolError as error:
        (fault,) = error.faults
        assert fault.where and fault.remedy
        return fault.message
    raise AssertionError(f"extracted {result.found}")
