"""The boot ISO: pycdlib lays it out, the kernel copies the payload; nothing is held in memory."""

import errno
import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from shimtool.errors import os_errors_as_faults
from shimtool.model import SourceFile
from shimtool.output.boot_info import boot_info, with_boot_info
from shimtool.output.iso_content import BOOT_FILE, CATALOG_FILE, IsoFile
from shimtool.payload.reopen import open_source
from shimtool.system.files import changed_error, stamp_of

SECTOR = 2048
# Loaders read in aligned chunks past the end of the last file; mkisofs pads by as much.
PADDING = 150 * SECTOR
_LEVEL = 4  # names like BOOT_IMAGE=linux
_BLOCK = 1 << 20
_LAYOUT_AT = 16 * SECTOR  # volume descriptors begin here (ECMA-119, 6.2.1)
# What pycdlib lays out before the first file: those, path tables, the root folder, boot.cat.
_BEFORE_FILES = 27 * SECTOR


class _Hole(io.RawIOBase):
    """Stands for a payload while pycdlib lays out the ISO: nothing to read yet."""

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return offset

    def read(self, size: int = -1, /) -> bytes:
        return b""


def iso_size(files: Iterable[IsoFile]) -> int:
    """Return how many bytes write_iso() writes for files of which none is empty."""
    sectors = sum(-(-file.size // SECTOR) for file in files)
    return _BEFORE_FILES + sectors * SECTOR + PADDING


def write_iso(files: Sequence[IsoFile], out: BinaryIO) -> None:
    """Write a bootable, padded ISO of `files` to `out`; the same files give the same bytes.

    Raises ShimtoolError when a source changed since it was hashed.
    """
    import pycdlib  # noqa: PLC0415 - takes 10 ms to load, and not all commands need it

    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=_LEVEL, vol_ident="SHIMTOOL")
    for file in files:
        whole: Any = io.BytesIO(file.prefix) if file.source is None else _Hole()
        iso.add_fp(whole, file.size, iso_path=f"/{file.name}")
    iso.add_eltorito(f"/{BOOT_FILE}", bootcatfile=f"/{CATALOG_FILE}", boot_load_size=4)
    iso.write_fp(out, blocksize=_BLOCK)
    places = {file.name: _place(iso, file.name) for file in files}
    iso.close()
    out.flush()
    _clear_dates(out.fileno())
    for file in files:
        if file.name == BOOT_FILE:
            table = boot_info(file.prefix, places[BOOT_FILE] // SECTOR)
            os.pwrite(out.fileno(), with_boot_info(file.prefix, table), places[BOOT_FILE])
        elif file.source is not None:
            os.pwrite(out.fileno(), file.prefix, places[file.name])
            copy_whole(file.source, out, places[file.name] + len(file.prefix))
    os.truncate(out.fileno(), os.fstat(out.fileno()).st_size + PADDING)


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


def _place(iso: Any, name: str) -> int:  # noqa: ANN401 - pycdlib has no types
    return int(iso.get_record(iso_path=f"/{name}").extent_location()) * SECTOR


def copy_whole(source: SourceFile, out: BinaryIO, at: int = 0) -> None:
    """Copy all of a source to offset `at`; raise ShimtoolError if it is not what was hashed."""
    if source.inside is not None or source.filled is not None:
        _copy_stream(source, out, at)
        return
    with open_source(source) as opened:
        try:
            copied = copy_range(opened.fileno(), out.fileno(), at, source.size)
        except OSError as error:
            if error.errno == errno.EIO:  # of which of the two disks?
                _read_all(opened, source.path)
            raise
        now = stamp_of(os.fstat(opened.fileno()))
    if copied != source.size or now != source.stamp:
        raise changed_error(source.path)


def _read_all(source: BinaryIO, path: Path) -> None:
    """Raise ShimtoolError where the source cannot be read."""
    with os_errors_as_faults("read", path):
        source.seek(0)
        while source.read(_BLOCK):
            pass


def _clear_dates(descriptor: int) -> None:
    """Write "not specified" over the dates that pycdlib takes from the clock.

    Volume descriptors: four 17-byte dates at 813 (ECMA-119, 8.4.26); directory records: 7 bytes
    at 18 (9.1.5), in the descriptors' own root record at 156 and in the root folder's sectors.
    """
    at = _LAYOUT_AT
    while (head := os.pread(descriptor, SECTOR, at))[0] != 255:
        if head[0] in (1, 2):  # primary, supplementary
            os.pwrite(descriptor, (b"0" * 16 + b"\0") * 4, at + 813)
            os.pwrite(descriptor, bytes(7), at + 156 + 18)
            root = int.from_bytes(head[158:162], "little") * SECTOR
            size = int.from_bytes(head[166:170], "little")
            _clear_folder(descriptor, root, size)
        at += SECTOR


def _clear_folder(descriptor: int, at: int, size: int) -> None:
    data = bytearray(os.pread(descriptor, size, at))
    offset = 0
    while offset < size:
        if length := data[offset]:
            data[offset + 18 : offset + 25] = bytes(7)
            offset += length
        else:  # records do not cross sectors
            offset = (offset // SECTOR + 1) * SECTOR
    os.pwrite(descriptor, data, at)


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
