"""What is done in the jail: each task reads a guest's disks and puts its answer into the pipe.

Nothing here may import, open or log anything (see system/confinement.py), nor take a lock that
another thread may have held when we forked: OpenSSL has one, for a new hash.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from typing import BinaryIO, TypeVar, cast

from shimtool.errors import ShimtoolError
from shimtool.model import GuestDiskFile, KernelFacts
from shimtool.payload.guest_disk.answers import (
    SHORTEST,
    Examined,
    ExaminedFile,
    ExaminedRamdisk,
    Opened,
    Refusal,
    document,
    frame,
    read_document,
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
from shimtool.payload.guest_disk.limits import ZEROS_LIMIT, UnreadableError
from shimtool.payload.kernel.image import inspect, unpack_elf
from shimtool.payload.kernel.ramdisk import inspect_ramdisk
from shimtool.system.files import Stamp
from shimtool.system.jail import Put, Work
from shimtool.system.typed import DamagedDocumentError

_BLOCK = 256 << 10
_STEP = 61  # one byte in so many is looked at: some in each hole, of 512 bytes or more
_NEW_SHA256 = hashlib.sha256()  # made before any fork
_SHOWN = 2000  # characters of a reason

Seen = TypeVar("Seen")


def examine(disks: OpenDisks, wanted: BootRequest) -> Work:
    """Find what boots on a guest's disks, and look at its kernel and ramdisk: Examined."""

    def work(descriptors: Sequence[int], put: Put) -> None:
        try:
            picked = find_boot_entry(Disks(descriptors, disks).streams, wanted)
            answer = document(_examined(picked, disks, wanted.offset, descriptors))
            read_document(BytesIO(answer).read)  # as it will be read outside
        except DamagedDocumentError as error:
            answer = document(Refusal(_short(f"what its boot menu says cannot be used: {error}")))
        except MemoryError:
            raise  # the jail says it better
        except BaseException as error:  # noqa: BLE001 - see _refusal
            answer = document(_refusal(error))
        put(answer)

    return work


def copy(inside: GuestDiskFile, stamp: Stamp) -> Work:
    """Give all bytes of a file that was examined before."""
    return _giving(inside, stamp, lambda source: iter(partial(source.read, _BLOCK), b""))


def unpack(inside: GuestDiskFile, stamp: Stamp, facts: KernelFacts) -> Work:
    """Give the unpacked ELF image of a kernel that was examined before."""
    return _giving(inside, stamp, lambda source: unpack_elf(source, facts))


def _giving(
    inside: GuestDiskFile, stamp: Stamp, chunks: Callable[[BinaryIO], Iterator[bytes]]
) -> Work:
    def work(descriptors: Sequence[int], put: Put) -> None:
        begun = False
        try:
            source = open_same(inside, descriptors, stamp)
            put(document(Opened()))
            begun = True
            for piece in _pieces(chunks(source)):
                put(frame(piece))
        except MemoryError:
            raise
        except BaseException as error:  # noqa: BLE001 - see _refusal
            put(frame(b"") * begun + document(_refusal(error)))

    return work


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Join chunks to frames, the last of which alone may be short."""
    kept = bytearray()
    for chunk in chunks:
        kept += chunk
        if len(kept) >= SHORTEST:
            yield bytes(kept)
            kept.clear()
    if kept:
        yield bytes(kept)


def _refusal(error: BaseException) -> Refusal:
    """Say what stopped a task. A panic of a library in Rust is a BaseException, and no other."""
    if isinstance(error, ShimtoolError):
        found = error.faults[0]
        place = str(found.where.path) if found.where else None
        return Refusal(_short(found.message), place, found.remedy)
    if isinstance(error, UnreadableError):
        return Refusal(_short(str(error)))
    return Refusal(_short(f"its reader failed ({type(error).__name__}: {error})"))


def _short(text: str) -> str:
    """Return text that can be written, whatever the disk put into it."""
    return text[:_SHOWN].encode(errors="backslashreplace").decode().replace("\0", "\\0")


def _examined(
    picked: BootSelection, disks: OpenDisks, offset: int | None, descriptors: Sequence[int]
) -> Examined:
    volume = picked.volume
    used = used_disks(disks, volume.name, volume.disk)

    def examined(found: FoundFile, look: Callable[[BinaryIO], Seen]) -> tuple[ExaminedFile, Seen]:
        inside = GuestDiskFile(used, found.path, volume.name, volume.disk, found.subvolume, offset)
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
