"""Files that appear complete or not at all."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from shimtool.errors import fault, os_error, os_errors_as_faults
from shimtool.system.activity import note
from shimtool.system.files import has_content
from shimtool.system.halting import changing_files, keep, undo_on_halt

# Names of unfinished files; what a killed run left is removed under the next one's lock.
PREFIX, SUFFIX = ".shimtool-", ".tmp"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)  # NFS and FUSE may know none
_LOCK_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class Staging:
    """Writes files beside their final names; leaving the block without error renames them all.

    Readable by their owner only, fsynced before the first rename; renamed in the order in which
    they were opened. With an error before that nothing of them stays, and files of the same
    names from before are untouched.
    """

    def __init__(self) -> None:
        self._files: list[tuple[BinaryIO, Path, Path]] = []

    def open(self, final: Path, mode: int = 0o600) -> BinaryIO:
        """Return a new binary file (read and write) which is to become `final`."""
        try:
            with changing_files():
                descriptor, name = tempfile.mkstemp(SUFFIX, PREFIX, final.parent)
                file = os.fdopen(descriptor, "w+b")
                self._files.append((file, Path(name), final))
            os.fchmod(descriptor, mode)
            with suppress(OSError):  # NFS may know no locks
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ours: sweep() leaves it
        except OSError as error:
            raise os_error(error, "write there", final.parent) from None
        return file

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
            for file, _temporary, _final in self._files:
                with suppress(OSError):  # flushes once more what a full disk did not take
                    file.close()
            self._remove()
            keep(self._remove)
        if isinstance(error, OSError):
            place = error.filename or (self._files[-1][2] if self._files else "the outputs")
            raise os_error(error, "write", place) from None

    def _remove(self) -> None:
        for _file, temporary, _final in self._files:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _commit(self) -> None:
        for file, _temporary, final in self._files:
            with _as_fault_of(final):
                file.flush()
                os.fsync(file.fileno())
            if final.is_dir():
                raise fault("a folder is in the way", final, remedy="move it away")
        with changing_files():
            for _file, temporary, final in self._files:
                with _as_fault_of(final):
                    temporary.replace(final)
        for _file, _temporary, final in self._files:
            note("write", final)
        for folder in dict.fromkeys(final.parent for _file, _temporary, final in self._files):
            _sync_folder(folder)


@contextmanager
def _as_fault_of(path: Path) -> Iterator[None]:
    """Name the file that was meant, not its temporary."""
    try:
        yield
    except OSError as error:
        raise os_error(error, "write", path) from None


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

    Unfinished files, a killed run's too, are removed.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", _LOCK_FLAGS, 0o600)
    except OSError as error:
        raise os_error(error, "write there", folder) from None
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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
