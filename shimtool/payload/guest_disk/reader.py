"""A guest's disks read from outside of the jail: opened here, looked at in there, checked here."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

from shimtool.errors import Fault, Location, ShimtoolError
from shimtool.model import GuestDiskFile, KernelFacts, SourceFile
from shimtool.payload.guest_disk import limits, tasks
from shimtool.payload.guest_disk.answers import (
    SHORTEST,
    Answer,
    Examined,
    Opened,
    Refusal,
    read_document,
    read_length,
)
from shimtool.payload.guest_disk.device import open_devices
from shimtool.payload.guest_disk.find_boot_entry import BootRequest
from shimtool.payload.guest_disk.inside import OpenDisks
from shimtool.payload.kernel.compression import OUTPUT_LIMIT
from shimtool.system.jail import Jailed, JailError, Work
from shimtool.system.typed import DamagedDocumentError

_REMEDY = (
    "shut the guest down and check its file systems (fsck); if that does not help, take kernel"
    " and ramdisk out of it and put them into dom0"
)


def examine(disks: OpenDisks, wanted: BootRequest, where: Location) -> Examined | Refusal:
    """Find what boots on a guest's disks.

    Raises ShimtoolError, naming `where`, when a disk cannot be opened, or its reader dies.
    """
    with _jailed(disks, tasks.examine(disks, wanted), where) as jailed, _as_fault(disks, where):
        answer = read_document(jailed.read)
        if isinstance(answer, Opened) or jailed.read(1):
            raise DamagedDocumentError("an answer to something else")
        _check_place(answer, disks)
        return answer


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
    with ExitStack() as stack:
        jailed = stack.enter_context(_jailed(inside.disks, work, where))
        with _as_fault(inside.disks, where):
            _refuse(read_document(jailed.read), where)
        stream = _Stream(jailed, inside.disks, where, (size, exact))
        stream.ending = stack.pop_all()
        return cast("BinaryIO", stream)


class _Stream(io.RawIOBase):
    """The bytes of a file, `size` (or at most that many) of them, as they leave the jail."""

    def __init__(
        self, jailed: Jailed, disks: OpenDisks, where: Location, size: tuple[int, bool]
    ) -> None:
        super().__init__()
        self.name = str(where.path)
        self.ending = ExitStack()
        self._source = jailed, disks, where
        self._left, self._exact = size
        self._frame = 0  # bytes of it that are still to come
        self._last = False  # whether it can be followed by another one

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        jailed, disks, where = self._source
        with _as_fault(disks, where):
            if not self._frame and not self._next(jailed, where):
                return b""
            data = jailed.read(min(self._frame, 1 << 20 if size < 0 else size))
            if not data:
                raise DamagedDocumentError("it ends early")
            self._frame -= len(data)
            return data

    def _next(self, jailed: Jailed, where: Location) -> bool:
        """Begin the next frame; False after the last one."""
        length = read_length(jailed.read)
        if length == 0:
            _refuse(read_document(jailed.read), where)
            raise DamagedDocumentError("an empty frame")
        if length is not None and self._last:
            raise DamagedDocumentError("a short frame that is not the last")
        self._frame = length or 0
        self._last = self._frame < SHORTEST
        self._left -= self._frame
        if self._left < 0 or (length is None and self._exact and self._left):
            raise DamagedDocumentError("more or fewer bytes than there should be")
        return length is not None

    def close(self) -> None:
        if not self.closed:
            self.ending.close()
        super().close()


@contextmanager
def _jailed(disks: OpenDisks, work: Work, where: Location) -> Iterator[Jailed]:
    limits.import_readers(kind for _path, kind in disks)
    with (
        open_devices([path for path, _kind in disks], where) as descriptors,
        Jailed(work, descriptors, limits.LIMITS) as jailed,
    ):
        yield jailed


@contextmanager
def _as_fault(disks: OpenDisks, where: Location) -> Iterator[None]:
    try:
        yield
    except JailError as error:
        why = f", which is damaged or made to do harm: {error}"
    except DamagedDocumentError as error:
        why = f": its reader gave no sound answer ({error})"
    else:
        return
    named = ", ".join(str(path) for path, _kind in disks)
    raise ShimtoolError(Fault(f"cannot read the guest's disk{why}", where, named, _REMEDY))


def _refuse(answer: Answer, where: Location) -> None:
    """Raise ShimtoolError for anything but Opened."""
    if isinstance(answer, Refusal):
        place = Location(answer.place) if answer.place else where
        raise ShimtoolError(Fault(answer.why, place, None, answer.remedy or _REMEDY))
    if not isinstance(answer, Opened):
        raise DamagedDocumentError("an answer to something else")


def _check_place(answer: Examined | Refusal, disks: OpenDisks) -> None:
    if isinstance(answer, Examined) and answer.disk >= len(disks):
        raise DamagedDocumentError("there is no such disk", "disk")
