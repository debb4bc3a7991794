"""Decompression of what strangers packed: told by content, streamed, bounded."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from shimtool.errors import fault
from shimtool.shims.files import MIB

CHUNK = 1 << 18
UNPACKED_LIMIT = 512 * MIB  # all of a package; Xen's largest unpack to about 100 MB
_LIBRARY_ERRORS = (zlib.error, lzma.LZMAError, zstandard.ZstdError)
ZSTD_WINDOW = 128 * MIB  # the most that `zstd --ultra` asks for


class BadPackageError(Exception):
    """The bytes are not a sound package; the message says why."""


class BoundedReader:
    """Reads forward through a stream and stops at `limit` bytes: a bomb, not a package."""

    def __init__(self, stream: BinaryIO, limit: int = UNPACKED_LIMIT) -> None:
        self._stream = stream
        self._limit = limit
        self.position = 0  # bytes read so far

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, fewer only at the end."""
        data = self._stream.read(size)
        self.position += len(data)
        if self.position > self._limit:
            raise BadPackageError("it unpacks to more than any package with a shim")
        return data

    def exactly(self, size: int) -> bytes:
        """Return `size` bytes; BadPackageError at an early end. Only for small sizes."""
        data = self.read(size)
        if len(data) != size:
            raise BadPackageError("it ends too early")
        return data

    def blocks(self, size: int) -> Iterator[bytes]:
        """Yield `size` bytes in pieces."""
        while size:
            data = self.exactly(min(size, CHUNK))
            size -= len(data)
            yield data

    def skip_to(self, position: int) -> None:
        """Read on, up to `position`."""
        for _ in self.blocks(position - self.position):
            pass


class Window(io.RawIOBase):
    """A range of a seekable file, as a stream of its own."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file = file
        self._at = start
        self._end = start + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io's own stub is vague
        self._file.seek(self._at)
        data = self._file.read(min(len(buffer), self._end - self._at))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def decompressed(stream: io.BufferedReader, limit: int = UNPACKED_LIMIT) -> BoundedReader:
    """Return the unpacked content of a stream; as it is when no known magic begins it."""
    head = stream.peek(8)[:8]
    for magic, opener in _OPENERS:
        if head.startswith(magic):
            return BoundedReader(opener(stream), limit)
    return BoundedReader(stream, limit)


@contextmanager
def package_faults(path: Path) -> Iterator[None]:
    """Turn what the unpackers raise on bad bytes into a ShimtoolError about `path`."""
    try:
        yield
    except (*_LIBRARY_ERRORS, BadPackageError, OSError, EOFError, MemoryError) as error:
        if isinstance(error, OSError) and error.errno:  # bad data has none
            raise fault(f"cannot read or unpack the file: {error.strerror}", path) from None
        raise fault(
            f"damaged or not a package: {error}",
            path,
            remedy="copy or download it again, and compare its checksum with the publisher's",
        ) from None


def _gzip(stream: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", gzip.GzipFile(fileobj=stream))


def _bzip2(stream: BinaryIO) -> BinaryIO:
    return cast("BinaryIO", bz2.BZ2File(stream))


def _zstd(stream: BinaryIO) -> BinaryIO:
    unpacker = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    return io.BufferedReader(
        cast("io.RawIOBase", unpacker.stream_reader(stream, read_across_frames=True)), CHUNK
    )


class _Xz(io.RawIOBase):
    """LZMAFile with a memory limit, which Python's own has not."""

    LIMIT = 256 * MIB

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._unpacker = lzma.LZMADecompressor(memlimit=self.LIMIT)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # io's own stub is vague
        data = b""
        while not data and not self._unpacker.eof:
            packed = self._stream.read(CHUNK) if self._unpacker.needs_input else b""
            if self._unpacker.needs_input and not packed:
                raise EOFError("the compressed data ends too early")
            data = self._unpacker.decompress(packed, len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _xz(stream: BinaryIO) -> BinaryIO:
    return io.BufferedReader(_Xz(stream), CHUNK)


_OPENERS: tuple[tuple[bytes, Callable[[BinaryIO], BinaryIO]], ...] = (
    (b"\x1f\x8b", _gzip),
    (b"\xfd7zXZ\0", _xz),
    (b"\x5d\0\0", _xz),  # .lzma, as rpm once packed
    (b"BZh", _bzip2),
    (b"\x28\xb5\x2f\xfd", _zstd),
)
