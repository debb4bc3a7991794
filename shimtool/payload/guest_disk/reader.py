"""A guest's disks read from outside of the jail: opened here, looked at in there, checked here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from shimtool.errors import Location
from shimtool.model import GuestDiskFile, KernelFacts, SourceFile
from shimtool.payload.guest_disk import limits, tasks
from shimtool.payload.guest_disk.answers import Examined, Glimpse, read_answer, read_glimpse
from shimtool.payload.guest_disk.device import open_devices
from shimtool.payload.guest_disk.find_boot_entry import BootRequest
from shimtool.payload.guest_disk.inside import OpenDisks
from shimtool.payload.jailed.answers import Read, Refusal
from shimtool.payload.jailed.reader import Subject, ask, jailed, open_given
from shimtool.payload.kernel.compression import OUTPUT_LIMIT
from shimtool.system.jail import Jailed, Work
from shimtool.system.typed import DamagedDocumentError


def examine(disks: OpenDisks, wanted: BootRequest, where: Location) -> Examined | Refusal:
    """Find what boots on a guest's disks.

    Raises ShimtoolError, naming `where`, when a disk cannot be opened, or its reader dies.
    """

    def checked(read: Read) -> Examined | Refusal:
        answer = read_answer(read)
        if isinstance(answer, Examined) and answer.disk >= len(disks):
            raise DamagedDocumentError("there is no such disk", "disk")
        return answer

    with _jailed(disks, tasks.examine(disks, wanted), where) as child:
        return ask(child, _subject(disks, where), checked)


def glance(disks: OpenDisks, wanted: BootRequest, where: Location) -> Glimpse | Refusal:
    """Look at what boots on a guest's disks, as examine does, but only as far as Glimpse goes."""
    with _jailed(disks, tasks.glance(disks, wanted), where) as child:
        return ask(child, _subject(disks, where), read_glimpse)


def open_inside(file: SourceFile, inside: GuestDiskFile) -> BinaryIO:
    """Open a file that was examined before, and is `inside` a disk; read forwards only, once.

    Raises ShimtoolError, here and from read(), when it is not the same any more or cannot be
    read.
    """
    return _opened(inside, tasks.copy(inside, file.stamp), file.size, exact=True)


def open_unpacked(file: SourceFile, inside: GuestDiskFile, facts: KernelFacts) -> BinaryIO:
    """Open the unpacked ELF image of such a kernel; otherwise as open_inside."""
    return _opened(inside, tasks.unpack(inside, file.stamp, facts), OUTPUT_LIMIT, exact=False)


def _opened(inside: GuestDiskFile, work: Work, size: int, *, exact: bool) -> BinaryIO:
    where = Location(f"{inside.disks[0][0]}:{inside.path}")
    child = _jailed(inside.disks, work, where)
    return open_given(child, _subject(inside.disks, where), size, exact=exact)


def _subject(disks: OpenDisks, where: Location) -> Subject:
    return Subject(
        "the guest's disk",
        where,
        "shut the guest down and check its file systems (fsck); if that does not help, take kernel"
        " and ramdisk out of it and put them into dom0",
        ", ".join(str(path) for path, _kind in disks),
    )


@contextmanager
def _jailed(disks: OpenDisks, work: Work, where: Location) -> Iterator[Jailed]:
    limits.import_readers(kind for _path, kind in disks)
    with (
        open_devices([path for path, _kind in disks], where) as descriptors,
        jailed(work, descriptors) as child,
    ):
        yield child
