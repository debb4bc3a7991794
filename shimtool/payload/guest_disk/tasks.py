"""What is done in the jail with a guest's disks; as of payload/jailed/tasks.py.

OpenSSL takes a lock for a new hash, which another thread may have held when we forked.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from typing import BinaryIO, TypeVar, cast

from shimtool.model import GuestDiskFile, KernelFacts
from shimtool.payload.guest_disk.answers import (
    Examined,
    ExaminedFile,
    ExaminedRamdisk,
    Glimpse,
    read_answer,
)
from shimtool.payload.guest_disk.find_boot_entry import (
    BootRequest,
    BootSelection,
    FoundFile,
    find_boot_entry,
)
from shimtool.payload.guest_disk.inside import (
    Disks,
    InsideFile,
    OpenDisks,
    open_same,
    unchanged_inside,
    used_disks,
)
from shimtool.payload.guest_disk.limits import ZEROS_LIMIT
from shimtool.payload.jailed.answers import Refusal, UnreadableError, document
from shimtool.payload.jailed.tasks import answering, giving, shown
from shimtool.payload.kernel import image as kernel_image
from shimtool.payload.kernel.image import inspect, unpack_elf
from shimtool.payload.kernel.ramdisk import inspect_ramdisk
from shimtool.system.files import Stamp
from shimtool.system.jail import Work
from shimtool.system.typed import DamagedDocumentError

_BLOCK = 256 << 10
_STEP = 61  # one byte in so many is looked at: some in each hole, of 512 bytes or more
_NEW_SHA256 = hashlib.sha256()  # made before any fork

Seen = TypeVar("Seen")


def examine(disks: OpenDisks, wanted: BootRequest) -> Work:
    """Find what boots on a guest's disks, and look at its kernel and ramdisk: Examined."""

    def look(descriptors: Sequence[int]) -> bytes:
        picked = find_boot_entry(Disks(descriptors, disks).streams, wanted)
        try:
            answer = document(_examined(picked, disks, wanted.offset, descriptors))
            read_answer(BytesIO(answer).read)  # as it will be read outside
        except DamagedDocumentError as error:
            why = shown(f"what its boot menu says cannot be used: {error}")
            return document(Refusal(why))
        return answer

    return answering(look)


def glance(disks: OpenDisks, wanted: BootRequest) -> Work:
    """Find what boots on a guest's disks, and read the begin of its kernel: Glimpse."""

    def look(descriptors: Sequence[int]) -> bytes:
        picked = find_boot_entry(Disks(descriptors, disks).streams, wanted)
        inside = _inside(picked, picked.kernel, disks, wanted.offset)
        source = InsideFile(inside, descriptors)
        compression, bits = kernel_image.glance(cast("BinaryIO", source))
        return document(Glimpse(compression, bits, picked.tree.not_for_grub))

    return answering(look)


def copy(inside: GuestDiskFile, stamp: Stamp) -> Work:
    """Give all bytes of a file that was examined before."""
    return giving(
        lambda descriptors: iter(partial(open_same(inside, descriptors, stamp).read, _BLOCK), b"")
    )


def unpack(inside: GuestDiskFile, stamp: Stamp, facts: KernelFacts) -> Work:
    """Give the unpacked ELF image of a kernel that was examined before."""
    return giving(lambda descriptors: unpack_elf(open_same(inside, descriptors, stamp), facts))


def _inside(
    picked: BootSelection, found: FoundFile, disks: OpenDisks, offset: int | None
) -> GuestDiskFile:
    volume = picked.volume
    used = used_disks(disks, volume.name, volume.disk)
    return GuestDiskFile(used, found.path, volume.name, volume.disk, found.subvolume, offset)


def _examined(
    picked: BootSelection, disks: OpenDisks, offset: int | None, descriptors: Sequence[int]
) -> Examined:
    volume = picked.volume

    def examined(found: FoundFile, look: Callable[[BinaryIO], Seen]) -> tuple[ExaminedFile, Seen]:
        inside = _inside(picked, found, disks, offset)
        with unchanged_inside(inside, descriptors) as source:
            digest = _sha256(source)
            seen = look(cast("BinaryIO", source))
        file = ExaminedFile(found.path, found.subvolume, source.size, digest, source.stamp)
        return file, seen

    kernel, facts = examined(picked.kernel, inspect)
    ramdisk = None
    if picked.ramdisk:
        file, kinds = examined(picked.ramdisk, inspect_ramdisk)
        ramdisk = ExaminedRamdisk(file, *kinds)
    return Examined(
        volume=volume.name,
        disk=volume.disk,
        kernel=kernel,
        facts=facts,
        ramdisk=ramdisk,
        arguments=picked.arguments,
        title=picked.title,
        menu=picked.menu,
        clean=picked.tree.clean is True,
    )


def _sha256(source: InsideFile) -> str:
    """Hash a file; UnreadableError where most of it are zeros: holes, which fill dom0's disk."""
    digest, zeros = _NEW_SHA256.copy(), 0
    while block := source.read(_BLOCK):
        digest.update(block)
        zeros += block[::_STEP].count(0) * _STEP
        if zeros > max(ZEROS_LIMIT, source.size * 3 // 4):
            raise UnreadableError(f"most of {source.name} ({source.size >> 20} MB) are zeros")
    return digest.hexdigest()
