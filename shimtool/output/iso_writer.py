"""The boot ISO: pycdlib makes its directory, the kernel copies the payload; none is held here."""

import errno
import hashlib
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

from shimtool.errors import os_errors_as_faults
from shimtool.model import SourceFile
from shimtool.output.boot_info import boot_info, with_boot_info
from shimtool.output.iso_content import BOOT_FILE, CATALOG_FILE, IsoFile
from shimtool.output.iso_layout import SECTOR, Layout, finish, lay_out
from shimtool.output.shared_blocks import SharedBlocks
from shimtool.payload.reopen import open_source
from shimtool.system.files import changed_error, stamp_of

_LEVEL = 4  # names like BOOT_IMAGE=linux
_BLOCK = 1 << 20


class _Hole(io.RawIOBase):
    """Stands for a file while pycdlib makes the ISO's directory: nothing to read yet."""

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return offset

    def read(self, size: int = -1, /) -> bytes:
        return b""


def write_iso(files: Sequence[IsoFile], out: BinaryIO, shared: SharedBlocks) -> Layout:
    """Write a bootable, padded ISO of `files` to `out`; the same files give the same bytes.

    Where blocks can be `shared` with an ISO of the same run they are.

    Raises ShimtoolError when a source changed since it was hashed.
    """
    import pycdlib  # noqa: PLC0415 - takes 10 ms to load, and not all commands need it

    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=_LEVEL, vol_ident="SHIMTOOL")
    for file in files:
        hole: Any = _Hole()  # which pycdlib's types do not know
        iso.add_fp(hole, file.size, iso_path=f"/{file.name}")
    iso.add_eltorito(f"/{BOOT_FILE}", bootcatfile=f"/{CATALOG_FILE}", boot_load_size=4)
    iso.write_fp(out, blocksize=_BLOCK)
    iso.close()
    out.flush()
    layout = lay_out(files)
    finish(out.fileno(), layout)
    for file in files:
        _write_file(file, layout.places[file.name], out, shared)
    os.truncate(out.fileno(), layout.size)
    return layout


def _write_file(file: IsoFile, at: int, out: BinaryIO, shared: SharedBlocks) -> None:
    prefix = file.prefix
    if file.name == BOOT_FILE:
        prefix = with_boot_info(prefix, boot_info(prefix, at // SECTOR))
    os.pwrite(out.fileno(), prefix, at)
    if file.source is not None:
        at += len(prefix)
        copy_whole(file.source, out, at, shared.clone(file.source, out, at))


def copy_range(source: int, target: int, at: int, length: int) -> int:
    """Copy `length` bytes between descriptors to offset `at`; return how many there were.

    Shares blocks where the file system can (copy_file_range), else the kernel copies (sendfile).
    """
    done = 0
    os.lseek(target, at, os.SEEK_SET)
    copy = _copy_file_range
    while done < length:
        try:
            moved = copy(source, target, length - done)
        except OSError:
            if copy is _sendfile:
                raise
            copy = _sendfile  # another file system, or an old kernel
            continue
        if not moved:
            break
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
    digest = hashlib.sha256()
    out.seek(at)
    with open_source(source) as opened:
        while block := opened.read(_BLOCK):
            digest.update(block)
            out.write(block)
    out.flush()
    if digest.hexdigest() != source.sha256:
        raise changed_error(source.path)
