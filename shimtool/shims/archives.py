"""The files inside packages, by the libraries for their formats, bounded in bytes and number.

Nothing here is written, and no name of an archive is taken for a path. What the libraries raise
on bad bytes comes through as it is.
"""

import bz2
import gzip
import lzma
import struct
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, BinaryIO, Self, cast

import arpy
import rpmfile
import zstandard

from shimtool.deferred import dataclass
from shimtool.system.files import MIB

UNPACKED_LIMIT = 512 * MIB  # all of a package; Xen's largest unpack to about 100 MB
MOST_MEMBERS = 1 << 16
MOST_AR_MEMBERS = 32
TAR_RECORD_LIMIT = 1 << 14  # of a long name, or of attributes
RPM_LEAD = 96
RPM_HEADER_MAGIC = b"\x8e\xad\xe8"
RPM_HEADERS_LIMIT = 2 * MIB
RPM_PAYLOAD_LIMIT = 256 * MIB


class BadPackageError(Exception):
    """The bytes are not a sound package; the message says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive, its `size` in bytes; `name` has no leading "./" or "/"."""

    name: str
    size: int
    _open: Callable[[], Any]

    def read(self, limit: int) -> bytes:
        """Return its content, of `limit` bytes at most; only while it is the newest member."""
        if self.size > limit:
            raise BadPackageError(f"{self.name} is larger than {limit // MIB} MiB")
        data: bytes = self._open().read(self.size)
        if len(data) != self.size:
            raise BadPackageError("it ends too early")
        return data


class Bounded:
    """A stream of at most `limit` bytes: more is a bomb, not a package.

    It tells its end once. tarfile would go on asking for as much as some header says.
    """

    def __init__(self, stream: BinaryIO, limit: int = UNPACKED_LIMIT) -> None:
        self._stream = stream
        self._left = limit
        self._ended = False

    def read(self, size: int) -> bytes:
        """Return up to `size` (not 0) bytes."""
        if self._ended:
            raise BadPackageError("it ends too early")
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BadPackageError("it unpacks to more than any package with a shim")
        self._ended = not data
        return data

    def drain(self) -> None:
        """Read to the end, where the checksums are."""
        while not self._ended:
            self.read(MIB)


def _zstd(stream: BinaryIO) -> Any:  # noqa: ANN401 - zstandard's reader, as good as a BinaryIO
    unpacker = zstandard.ZstdDecompressor(max_window_size=128 * MIB)  # the most of `zstd --ultra`
    return unpacker.stream_reader(stream, read_across_frames=True)


_OPENERS: dict[str, tuple[bytes, Callable[[Any], Any]]] = {
    "gzip": (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    "xz": (b"\xfd7zXZ\0", lzma.LZMAFile),
    "bzip2": (b"BZh", bz2.BZ2File),
    "zstd": (b"\x28\xb5\x2f\xfd", _zstd),
    "lzma": (b"\x5d\0\0", lzma.LZMAFile),
}
RPM_PACKINGS = ("gzip", "xz", "bzip2", "zstd")  # what rpmfile unpacks


def unpacked(stream: BinaryIO) -> Bounded:
    """Return a stream from its beginning, decompressed when a known magic is there."""
    stream.seek(0)
    head = stream.read(6)
    stream.seek(0)
    openers = (opener for magic, opener in _OPENERS.values() if head.startswith(magic))
    return Bounded(next(openers, lambda plain: plain)(stream))


class _Header(tarfile.TarInfo):
    """A tar header; refused if it says to read more than a sane name or attribute."""

    RECORDS = (
        tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE,
        tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK,
    )  # fmt: skip

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        if info.size < 0 or (info.type in cls.RECORDS and info.size > TAR_RECORD_LIMIT):
            raise BadPackageError("a tar header of impossible size")
        return info


def tar_members(stream: Bounded) -> Iterator[Member]:
    """Yield the regular files of a tar; several, cut and concatenated as in an .apk, are one."""
    file = cast("BinaryIO", stream)  # of which the stream mode needs only read()
    with tarfile.open(fileobj=file, mode="r|", tarinfo=_Header, encoding="utf-8") as archive:
        for number, info in enumerate(archive):
            if number == MOST_MEMBERS:
                raise BadPackageError("more files than in any package with a shim")
            if info.isreg() and not info.issparse():
                yield Member(_relative(info.name), info.size, partial(archive.extractfile, info))
    stream.drain()


def deb_members(file: BinaryIO, part: bytes) -> Iterator[Member]:
    """Yield the files in one part of a .deb, "control.tar" or "data.tar" (deb(5))."""
    file.seek(0)
    archive = arpy.Archive(fileobj=file)
    for _ in range(MOST_AR_MEMBERS):  # arpy itself follows a negative size in circles
        header = archive.read_next_header()
        if header is None:
            return
        if header.size < 0:
            raise BadPackageError("an ar member of negative size")
        if header.name and header.name.startswith(part):
            yield from tar_members(unpacked(archive.archived_files[header.name]))


def open_rpm(file: BinaryIO) -> rpmfile.RPMFile:
    """Read the headers of an .rpm.

    Checked before: rpmfile would make any number of lists of the same bytes, if told so.
    """
    head = file.read(RPM_HEADERS_LIMIT)
    at = RPM_LEAD
    for _ in ("signature", "header"):
        at = head.find(RPM_HEADER_MAGIC, at)
        if at < 0:
            raise BadPackageError("not an RPM header")
        count, size = struct.unpack_from(">8xII", head, at)
        index = head[at + 16 : at + 16 + 16 * count]
        at += 16 + 16 * count + size
        if at > len(head) or sum(row[3] for row in struct.iter_unpack(">4I", index)) > size:
            raise BadPackageError("not an RPM header")
    file.seek(0)
    return rpmfile.RPMFile(fileobj=file)


def rpm_members(package: rpmfile.RPMFile, file: BinaryIO, packing: str) -> Iterator[Member]:
    """Yield the files of an .rpm with one of RPM_PACKINGS.

    rpmfile may hold the whole unpacked payload in memory. So it is first unpacked for nothing,
    to see that it is sound and within RPM_PAYLOAD_LIMIT.
    """
    file.seek(package.data_offset)
    Bounded(_OPENERS[packing][1](file), RPM_PAYLOAD_LIMIT).drain()
    for info in package.getmembers():
        if not info.issymlink:
            yield Member(_relative(info.name), info.size, partial(package.extractfile, info))


def _relative(name: str) -> str:
    return name.removeprefix("./").lstrip("/")
