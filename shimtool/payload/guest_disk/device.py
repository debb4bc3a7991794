"""The door to disks: raw files and block devices; qcow2 and vhd files.

The format is the config's word, as it is for QEMU and blkback: a guest could write the header of
a qcow2 file, naming any file of dom0's as its backing file, into its raw disk.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from shimtool.errors import Fault, Location, ShimtoolError
from shimtool.payload.guest_disk.limits import (
    FORMATS,
    import_dissect,
    library_errors,
)
from shimtool.payload.jailed.answers import UnreadableError
from shimtool.payload.jailed.raw import Raw
from shimtool.system.activity import note
from shimtool.system.files import open_checked

_SMALLEST = 4096  # bytes; a file system has more


def as_the_guest_sees(raw: Raw, kind: str) -> BinaryIO:
    """Return the disk that `raw` holds in format `kind`.

    Raises UnreadableError when it is none of this format, or needs other files (a backing file).
    """
    if raw.size < _SMALLEST:
        raise UnreadableError(f"it is too small for a disk ({raw.size} bytes)")
    source = cast("BinaryIO", raw)
    if kind == "raw":
        return source
    with library_errors(f"not a sound {kind} image"):
        module = import_dissect(FORMATS[kind])
        # Given a stream, not a path, the library opens no other file.
        image = module.QCow2(source).open() if kind == "qcow2" else module.VHD(source)
        return cast("BinaryIO", image)


@contextmanager
def open_devices(paths: Sequence[Path], where: Location | None = None) -> Iterator[list[int]]:
    """Open disks, for the block; give their descriptors.

    Raises ShimtoolError, naming `where`, else the disk.
    """
    with ExitStack() as stack:
        opened = []
        for path in paths:
            descriptor = _open(path, where or Location(path))
            stack.callback(os.close, descriptor)
            # A guest writes behind the back of dom0's page cache: what it holds may be stale.
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            opened.append(descriptor)
        yield opened


def _open(path: Path, where: Location) -> int:
    """Open a regular file or block device, never waiting, never through a link."""

    def check(status: os.stat_result) -> None:
        _refuse_kind(status, path, where)
        note("read", path)

    try:
        return open_checked(path, os.O_RDONLY | os.O_NOFOLLOW, check)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise _unreadable(path, why or "", where) from None


def _refuse_kind(status: os.stat_result, path: Path, where: Location) -> None:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISBLK(status.st_mode)):
        raise _unreadable(path, "it is neither a file nor a block device", where)


def _unreadable(path: Path, why: str, where: Location) -> ShimtoolError:
    remedy = (
        "run as root where the disk is at hand (a container: --device DISK, or -v of its folder),"
        " or say by --map where a copy of it is"
    )
    return ShimtoolError(Fault(f"cannot read the guest's disk {path}: {why}", where, None, remedy))
