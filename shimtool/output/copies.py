"""Files copied into outputs: by the system where they are files of dom0, else block by block."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from shimtool.errors import os_errors_as_faults
from shimtool.model import SourceFile
from shimtool.payload.reopen import open_source
from shimtool.system.digests import sha256
from shimtool.system.files import changed_error, stamp_of

_BLOCK = 1 << 20
_PIECE = 8 << 20


def copy_range(source: int, target: int, at: int, length: int) -> int:
    """Copy `length` bytes between descriptors to offset `at`; return how many there were.

    Shares blocks where the file system can (copy_file_range), else the kernel copies (sendfile).
    Each piece goes to disk while the next one is copied, which takes less time than one after the
    other.
    """
    done = 0
    os.lseek(target, at, os.SEEK_SET)
    copy = _copy_file_range
    while done < length:
        try:
            moved = copy(source, target, min(length - done, _PIECE))
        except OSError:
            if copy is _sendfile:
                raise
            copy = _sendfile  # another file system, or an old kernel
            continue
        if not moved:
            break
        with suppress(OSError):  # Linux begins to write what it need not keep in memory, at once
            os.posix_fadvise(target, at + done, moved, os.POSIX_FADV_DONTNEED)
        done += moved
    return done


def _copy_file_range(source: int, target: int, count: int) -> int:
    return os.copy_file_range(source, target, count)


def _sendfile(source: int, target: int, count: int) -> int:
    return os.sendfile(target, source, None, count)


def copy_whole(source: SourceFile, out: BinaryIO, at: int = 0, done: int = 0) -> None:
    """Copy all of a source to offset `at`, but for what is `done` of a file of dom0.

    Raises ShimtoolError if it is not what was hashed.
    """
    if source.inside is not None or source.filled is not None:
        _copy_stream(source, out, at)
        return
    with open_source(source) as opened:
        try:
            os.lseek(opened.fileno(), done, os.SEEK_SET)
            left = source.size - done
            copied = copy_range(opened.fileno(), out.fileno(), at + done, left)
        except OSError as error:
            if error.errno == errno.EIO:  # of which of the two disks?
                _read_all(opened, source.path)
            raise
        now = stamp_of(os.fstat(opened.fileno()))
    if copied != left or now != source.stamp:
        raise changed_error(source.path)


def _read_all(source: BinaryIO, path: Path) -> None:
    """Raise ShimtoolError where the source cannot be read."""
    with os_errors_as_faults("read", path):
        source.seek(0)
        while source.read(_BLOCK):
            pass


def _copy_stream(source: SourceFile, out: BinaryIO, at: int) -> None:
    """Copy what is no file here, hashing it: inside a guest's disk a stamp is the guest's word."""
    digest = sha256()
    out.seek(at)
    with open_source(source) as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
            out.write(block)
    out.flush()
    if digest.hexdigest() != source.sha256:
        raise changed_error(source.path)
