"""Files that appear complete or not at all."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from shimtool.deferred import dataclass
from shimtool.errors import ShimtoolError, fault, os_error, os_errors_as_faults
from shimtool.system.activity import note
from shimtool.system.files import has_content
from shimtool.system.halting import OtherThread, changing_files, keep, undo_on_halt
from shimtool.system.opened import OpenedFile
from shimtool.system.ownership import own_folder, own_path

# Names of unfinished files; what a killed run left is removed under the next one's lock.
PREFIX, SUFFIX = ".shimtool-", ".tmp"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # NFS and FUSE may know none
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_LANES = 16  # threads that wait for disks
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class _Staged:
    """An unfinished file, its name in the open `folder`, and what it is to become there."""

    file: BinaryIO
    folder: int
    temporary: str
    final: Path
    replaces: OpenedFile | None = None


class Staging:
    """Writes files beside their final names; leaving the block without error renames them all.

    Fsynced before the first rename; renamed in the order in which they were opened, in folders
    that stay open from first to last. With an error before that nothing of them stays, and files
    of the same names from before are untouched.
    """

    def __init__(self) -> None:
        self._files: list[_Staged] = []
        self._folders: dict[Path, int] = {}

    def open(self, final: Path, mode: int = 0o600) -> BinaryIO:
        """Return a new binary file (read and write) which is to become `final`.

        Only its owner can write to it, whatever `mode` and umask are.
        """
        with _as_fault_of(final.parent, "write there"):
            return self._stage(self._folder(final.parent), final, mode & ~OTHERS_WRITE)

    def replace(self, there: OpenedFile) -> BinaryIO:
        """Return a new file for the place of one that was read, with its owner and mode.

        Leaving the block raises ShimtoolError, and replaces nothing, when that is not there as
        it was read.
        """
        with _as_fault_of(there.path.parent, "write there"):
            mode = stat.S_IMODE(there.status.st_mode)
            file = self._stage(there.folder, there.path, 0o600, there)
            os.fchown(file.fileno(), there.status.st_uid, there.status.st_gid)
            os.fchmod(file.fileno(), mode)  # last: fchown takes set-id bits away
            return file

    def _stage(
        self, folder: int, final: Path, mode: int, replaces: OpenedFile | None = None
    ) -> BinaryIO:
        name = f"{PREFIX}{os.urandom(8).hex()}{SUFFIX}"
        with changing_files():
            file = os.fdopen(os.open(name, _NEW, 0o600, dir_fd=folder), "w+b")
            self._files.append(_Staged(file, folder, name, final, replaces))
        os.fchmod(file.fileno(), mode)
        with suppress(OSError):  # NFS may know no locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ours: sweep() leaves it
        return file

    def _folder(self, path: Path) -> int:
        if path not in self._folders:
            self._folders[path] = os.open(path, _FOLDER)
        return self._folders[path]

    def __contains__(self, final: Path) -> bool:
        return any(each.final == final for each in self._files)

    def __enter__(self) -> Self:
        undo_on_halt(self._remove)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._commit()
        finally:
            self._clean_up()
        if isinstance(error, OSError):
            place = error.filename or (self._files[-1].final if self._files else "the outputs")
            raise os_error(error, "write", place) from None

    def _commit(self) -> None:
        _sync(self._files)
        for each in self._files:
            if _is_folder(each):
                raise fault("a folder is in the way", each.final, remedy="move it away")
        with changing_files():
            for each in self._files:
                if each.replaces:
                    each.replaces.check()
            for each in self._files:
                if each.replaces:  # again, at the last moment
                    each.replaces.check()
                with _as_fault_of(each.final):
                    name, at = each.final.name, each.folder
                    os.replace(each.temporary, name, src_dir_fd=at, dst_dir_fd=at)
        for each in self._files:
            note("write", each.final)
        for folder in dict.fromkeys(each.folder for each in self._files):
            os.fsync(folder)

    def _clean_up(self) -> None:
        for each in self._files:
            with suppress(OSError):  # flushes once more what a full disk did not take
                each.file.close()
        self._remove()
        keep(self._remove)
        for folder in self._folders.values():
            os.close(folder)

    def _remove(self) -> None:
        for each in self._files:
            with suppress(OSError):  # most have their final names
                os.unlink(each.temporary, dir_fd=each.folder)


def _sync(files: list[_Staged]) -> None:
    """Bring files to disk; of many, some at a time: file systems write their journal once for all.

    Raises the first error there is, when all have been tried.
    """
    errors: list[ShimtoolError] = []

    def sync(some: list[_Staged]) -> None:
        for each in some:
            try:
                with _as_fault_of(each.final):
                    each.file.flush()
                    os.fsync(each.file.fileno())
            except ShimtoolError as error:
                errors.append(error)

    lanes = min(_LANES, len(files) // 4)
    others = [OtherThread(target=sync, args=(files[lane::lanes],)) for lane in range(1, lanes)]
    for each in others:
        each.start()
    sync(files[::lanes] if others else files)
    for each in others:
        each.join()
    if errors:
        raise errors[0]


def _is_folder(each: _Staged) -> bool:
    try:
        status = os.stat(each.final.name, dir_fd=each.folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode)


@contextmanager
def _as_fault_of(path: Path, doing: str = "write") -> Iterator[None]:
    """Name the file that was meant, not its temporary."""
    try:
        yield
    except OSError as error:
        raise os_error(error, doing, path) from None


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, as far as they are missing; only root or this user writes.

    Raises OSError.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o755, exist_ok=True)  # umask may take from this, and adds nothing


def write_file(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace one small file by `data`, unless it holds just that already."""
    try:
        if has_content(path, data) and path.stat().st_mode & 0o7777 == mode:
            return
    except OSError:
        pass  # not there, or not readable: write it
    with Staging() as staging:
        staging.open(path, mode).write(data)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make `folder` if need be and hold its lock: two runs at once would undo each other's report.

    Unfinished files, a killed run's too, are removed. Raises ShimtoolError where others than root
    and this user could write to the folder, or exchange it: dom0 runs a script from there, as
    root. In a CI job (the variable CI is set) nobody does, and the folders above are the runner's.
    """
    parents = not os.environ.get("CI")
    with _as_fault_of(folder, "write there"):
        if parents:
            own_path(folder)
        make_folder(folder)
        own_folder(folder, parents=parents)
        lock = os.open(folder / ".lock", _LOCK_FLAGS, 0o600)
    try:
        _lock(lock, folder)
        sweep(folder)
        try:
            yield
        finally:
            sweep(folder)
    finally:
        os.close(lock)


def _lock(descriptor: int, folder: Path) -> None:
    with os_errors_as_faults("lock", folder):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise fault(
                "another shimtool is at work here", folder, remedy="wait until it has ended"
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise


def sweep(folder: Path) -> None:
    """Remove unfinished files of runs that are over, as far as that can be done.

    A run with another --out may be at work on the same configs: its files are locked. Where there
    are no locks it would fail and say so.
    """
    with suppress(OSError):
        for leftover in folder.glob(f"{PREFIX}*{SUFFIX}"):
            if not _in_use(leftover):
                leftover.unlink(missing_ok=True)


def _in_use(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    finally:
        os.close(descriptor)
    return False
