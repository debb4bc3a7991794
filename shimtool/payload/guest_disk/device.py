"""The door to disks: raw files and block devices; qcow2 and vhd files.

The format is the config's word, as it is for QEMU and blkback: a guest could write the header of
a qcow2 file, naming any file of dom0's as its backing file, into its raw disk.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO, cast

from shimtool.errors import Fault, Location, ShimtoolError
from shimtool.payload.guest_disk.limits import (
    Budget,
    UnreadableError,
    import_dissect,
    library_errors,
)
from shimtool.system.activity import note
from shimtool.system.positioned import PositionedReader

_SMALLEST = 4096  # bytes; a file system has more


class Raw(PositionedReader):
    """A device or file, read within a budget; `size` in bytes, `identity` of the device."""

    def __init__(self, path: Path, budget: Budget, where: Location) -> None:
        super().__init__()
        self.name = str(path)
        self.budget = budget
        self._descriptor = _open(path, where)
        try:
            self.size = os.lseek(self._descriptor, 0, os.SEEK_END)
            # A guest writes behind the back of dom0's page cache: what it holds may be stale.
            os.posix_fadvise(self._descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            status = os.fstat(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            raise _unreadable(path, error.strerror or "", where) from None
        device = stat.S_ISBLK(status.st_mode)
        self.identity = (status.st_rdev, 0) if device else (status.st_dev, status.st_ino)

    def _bounded(self, position: int) -> int:
        if not 0 <= position < 1 << 63:
            raise UnreadableError("a structure lies outside of the disk")
        return position

    def read_at(self, offset: int, size: int) -> bytes:
        self.budget.check(size)
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise UnreadableError(f"{self.name}: {error.strerror}") from None

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def open_disk(path: Path, kind: str, budget: Budget, where: Location) -> tuple[BinaryIO, Raw]:
    """Open a disk of format `kind`: (what the guest sees, what holds it, to be closed).

    Raises ShimtoolError, naming `where`, when it cannot be opened, UnreadableError when it is
    none of this format, or needs other files (a backing file).
    """
    raw = Raw(path, budget, where)
    try:
        if raw.size < _SMALLEST:
            raise UnreadableError(f"it is too small for a disk ({raw.size} bytes)")
        return _formatted(raw, kind), raw
    except BaseException:
        raw.close()
        raise


def _formatted(raw: Raw, kind: str) -> BinaryIO:
    source = cast("BinaryIO", raw)
    if kind == "raw":
        return source
    with library_errors(f"not a sound {kind} image"):
        if kind == "qcow2":
            # Given a stream, not a path, the library opens no other file.
            image = import_dissect("dissect.hypervisor.disk.qcow2").QCow2(source)
            return cast("BinaryIO", image.open())
        return cast("BinaryIO", import_dissect("dissect.hypervisor.disk.vhd").VHD(source))


def _open(path: Path, where: Location) -> int:
    """Open a regular file or block device, never waiting, never through a link."""
    try:
        _refuse_kind(os.lstat(path), path, where)
        note("read", path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(path, why or "", where) from None
    try:
        _refuse_kind(os.fstat(descriptor), path, where)
    except ShimtoolError:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_kind(status: os.stat_result, path: Path, where: Location) -> None:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISBLK(status.st_mode)):
        raise _unreadable(path, "it is neither a file nor a block device", where)


def _unreadable(path: Path, why: str, where: Location) -> ShimtoolError:
    remedy = (
        "run as root where the disk is at hand (a container: --device DISK, or -v of its folder),"
        " or say by --map where a copy of it is"
    )
    return ShimtoolError(Fault(f"cannot read the guest's disk {path}: {why}", where, None, remedy))
