"""The one way to open an input file: only regular files, never waiting, never through a link."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from shimtool.errors import Fault, Location, ShimtoolError, fault, os_error, os_errors_as_faults
from shimtool.system.activity import note

Stamp = tuple[int, int, int, int]

MIB = 1 << 20
_KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a block device",
    stat.S_IFCHR: "a character device",
    stat.S_IFLNK: "a symbolic link",
}


def stamp_of(status: os.stat_result) -> Stamp:
    """Return (device, inode, size in bytes, ctime in ns).

    ctime, because mtime can be set back (touch -r, tar, rsync) over other content.
    """
    return status.st_dev, status.st_ino, status.st_size, status.st_ctime_ns


def unreadable_reason(path: Path, where: Location | None = None) -> Fault | None:
    """Say why `path` cannot be read as a regular, non-empty file; None when it can."""
    try:
        with open_regular(path, where):
            return None
    except ShimtoolError as error:
        return error.faults[0]


def open_regular(
    path: Path, where: Location | None = None, *, folder: int | None = None
) -> BinaryIO:
    """Open a regular, non-empty file for reading; errors name `where`, else `path`.

    With `folder`, an open descriptor, the file is looked for in there by its name alone.

    Raises ShimtoolError. The kind is looked at before opening, because opening a device may
    act on it and opening a pipe may wait for ever.
    """
    return _open(path, where or Location(path), folder, os.O_NOFOLLOW)


def open_named(path: Path) -> BinaryIO:
    """Open the file that a user named, or that a link of this name leads to; as open_regular.

    The kernel follows the link: what has no name here (an image's file, see enter_dom0) works too.
    """
    return _open(path, Location(path))


def _open(path: Path, place: Location, folder: int | None = None, no_follow: int = 0) -> BinaryIO:
    name = path if folder is None else Path(path.name)

    def check(status: os.stat_result) -> None:
        _refuse_kind(status, path, place)
        note("read", path)

    try:
        return open(
            name,
            "rb",
            opener=lambda name, flags: open_checked(name, flags | no_follow, check, folder),
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise fault(
            f"cannot read {path}: {why}",
            place.path,
            place.line,
            remedy="run as root, with the file's folder mounted readable",
        ) from None


def open_checked(
    name: str | Path,
    flags: int,
    check: Callable[[os.stat_result], None],
    folder: int | None = None,
) -> int:
    """Open, never waiting, what `check` has seen the status of and did not refuse by raising.

    Whoever may rename a folder on the way can exchange what a name stands for at any moment, and
    only to open a device may act on it (a watchdog, a tape). So the name is looked up once, for a
    descriptor with which nothing is opened yet (O_PATH); twice only where /proc is not mounted.
    Raises OSError.
    """
    found = os.open(name, os.O_PATH | os.O_CLOEXEC | flags & os.O_NOFOLLOW, dir_fd=folder)
    try:
        before = os.fstat(found)
        check(before)
        flags |= os.O_NONBLOCK | os.O_CLOEXEC
        try:
            opened = os.open(f"/proc/self/fd/{found}", flags & ~os.O_NOFOLLOW)
        except (FileNotFoundError, NotADirectoryError):
            opened = os.open(name, flags, dir_fd=folder)
        if not os.path.samestat(before, os.fstat(opened)):
            os.close(opened)
            raise OSError(errno.ESTALE, "it was exchanged while it was being opened")
        return opened
    finally:
        os.close(found)


def read_named(path: Path, limit: int) -> bytes:
    """Return all of such a file. Raises ShimtoolError, also beyond `limit` bytes (whole MiB)."""
    with open_named(path) as source:
        try:
            data = source.read(limit + 1)
        except OSError as error:
            raise os_error(error, "read the file", path) from None
    if len(data) > limit:
        raise too_large(path, limit)
    return data


def too_large(path: Path, limit: int) -> ShimtoolError:
    """Build the error for a file of more than `limit` bytes (whole MiB)."""
    return fault(
        f"larger than {limit // MIB} MiB, too large for its purpose",
        path,
        remedy="check that it is the right file",
    )


def _refuse_kind(status: os.stat_result, path: Path, place: Location) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
        raise fault(
            f"{path} is {kind}",
            place.path,
            place.line,
            remedy="name the file itself",
        )
    if not status.st_size:
        raise fault(
            f"{path} is empty (0 bytes)",
            place.path,
            place.line,
            remedy="name the right file, or install it again (a kernel: its package, in dom0)",
        )


@contextmanager
def unchanged(path: Path) -> Iterator[tuple[BinaryIO, Stamp]]:
    """Open `path`; raise ShimtoolError when it cannot be read, or changed meanwhile."""
    with os_errors_as_faults("read", path), open_regular(path) as source:
        before = stamp_of(os.fstat(source.fileno()))
        yield source, before
        if stamp_of(os.fstat(source.fileno())) != before:
            raise changed_error(path)


def size_of(source: BinaryIO) -> int:
    """Return the size in bytes of an open file, which then stands at its end."""
    return source.seek(0, os.SEEK_END)


def same_content(one: Path, other: Path) -> bool:
    """Whether two regular files are one, or equal byte for byte."""
    with open_regular(one) as first, open_regular(other) as second:
        status, twin = os.fstat(first.fileno()), os.fstat(second.fileno())
        if os.path.samestat(status, twin):
            return True
        if status.st_size != twin.st_size:
            return False
        while block := first.read(MIB):
            if block != second.read(MIB):
                return False
    return True


def has_content(path: Path, data: bytes) -> bool:
    """Whether `path` is a regular file, no link, with just this content; OSError if not there."""
    status = path.lstat()
    regular = stat.S_ISREG(status.st_mode)
    return regular and status.st_size == len(data) and path.read_bytes() == data


def changed_error(path: Path) -> ShimtoolError:
    """Build the error for a file that is not what was read of it before."""
    return fault(
        f"{path} changed while it was being read",
        path,
        remedy="wait until the upgrade or copy has finished, then try again",
    )
