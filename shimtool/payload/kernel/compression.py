"""Streaming decompression of kernels and ramdisks, bounded in memory, output and time.

Formats are those of Linux's own boot code (Documentation/x86/boot and usr/Kconfig name them):
gzip, bzip2, lzma ("alone"), xz, LZOP's container, lz4's legacy frames, zstd. Of a file with
several streams only the first is read. The third-party codecs are imported when first needed.
"""

import bz2
import lzma
import time
import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, BinaryIO, Protocol

from shimtool.errors import ShimtoolError, fault
from shimtool.model import Compression
from shimtool.payload.kernel import lzop
from shimtool.payload.kernel.bounded_reader import BoundedReader, DamagedError

OUTPUT_LIMIT = 512 << 20  # bytes; Debian's kernel unpacks to 66 MB
CPU_LIMIT = 60.0  # seconds of this thread's time; Debian's kernel takes about 1
_IN = 64 << 10  # bytes read at a time
_OUT = 256 << 10  # bytes given at a time
_ZSTD_IN = 512  # bytes that unpack to 16 MiB at most
_WINDOW = 128 << 20  # largest dictionary: what `zstd --ultra -22` uses, xz and lzma use less
_MEMORY = _WINDOW + (8 << 20)  # for a decompressor, touched only as far as it gets
_LZ4_BLOCK = 8 << 20  # unpacked size of a legacy block, the last one excepted

# The longest magics first where one could hide another; "alone" lzma has no magic of its own,
# so its usual parameter byte and a dictionary of a power of two >= 64 KiB stand for it.
_MAGICS = (
    (b"\xfd7zXZ\0", Compression.XZ),
    (lzop.MAGIC, Compression.LZO),
    (b"\x02\x21\x4c\x18", Compression.LZ4),
    (b"\x28\xb5\x2f\xfd", Compression.ZSTD),
    (b"BZh", Compression.BZIP2),
    (b"\x5d\0\0", Compression.LZMA),
    (b"\x1f\x8b", Compression.GZIP),
)


def detect(head: bytes) -> Compression:
    """Name the compression that `head`, the first bytes of a stream, stands for; or NONE."""
    return next((kind for magic, kind in _MAGICS if head.startswith(magic)), Compression.NONE)


def open_stream(
    source: BinaryIO, offset: int, length: int, compression: Compression
) -> Iterator[bytes]:
    """Give the unpacked content of `length` bytes of `source` at `offset`, in chunks.

    Chunks are at most 16 MiB (zstd bombs), 8 MiB (lz4), else 256 KiB. Raises ShimtoolError,
    naming the file, when the data is damaged or cut short, unpacks to more than OUTPUT_LIMIT,
    takes more than CPU_LIMIT, or needs a Python package that is not installed.
    """
    name = str(getattr(source, "name", "input"))
    total, started = 0, time.thread_time()
    try:
        for chunk in _DECODERS[compression](BoundedReader(source, offset, length)):
            total += len(chunk)
            if total > OUTPUT_LIMIT:
                raise DamagedError(f"unpacks to more than {OUTPUT_LIMIT >> 20} MiB")
            if time.thread_time() - started > CPU_LIMIT:
                raise DamagedError(f"takes more than {CPU_LIMIT:g} s to unpack")
            yield chunk
    except (DamagedError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise fault(
            f"cannot unpack the {compression} data in {name}: {error}",
            name,
            remedy="compare the file with dom0's, and copy or reinstall it",
        ) from None


class _Decoder(Protocol):
    """What bz2's and lzma's decompressors share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _stored(reader: BoundedReader) -> Iterator[bytes]:
    while data := reader.read(_OUT):
        yield data


def _stream(decoder: _Decoder, reader: BoundedReader) -> Iterator[bytes]:
    while not decoder.eof:
        data = reader.read_some(_IN) if decoder.needs_input else b""
        yield decoder.decompress(data, _OUT)


def _gzip(reader: BoundedReader) -> Iterator[bytes]:
    decoder = zlib.decompressobj(wbits=31)
    rest = b""
    while not decoder.eof:
        data = decoder.decompress(rest or reader.read(_IN), _OUT)
        rest = decoder.unconsumed_tail
        if not (data or rest or reader.left or decoder.eof):
            raise EOFError("the end is missing")
        yield data


def _bzip2(reader: BoundedReader) -> Iterator[bytes]:
    return _stream(bz2.BZ2Decompressor(), reader)


def _lzma(reader: BoundedReader) -> Iterator[bytes]:
    return _stream(lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MEMORY), reader)


def _xz(reader: BoundedReader) -> Iterator[bytes]:
    return _stream(lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MEMORY), reader)


def _zstd(reader: BoundedReader) -> Iterator[bytes]:
    """Feed few bytes at a time: 4 can stand for 128 KiB, and the codec gives all at once."""
    zstandard = _codec("zstandard")
    decoder = zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()
    while not decoder.eof:
        try:
            yield decoder.decompress(reader.read_some(_ZSTD_IN))
        except zstandard.ZstdError as error:
            raise DamagedError(error) from None


def _lz4(reader: BoundedReader) -> Iterator[bytes]:
    """Unpack legacy blocks: magic, then (size, data) pairs.

    A bzImage has one word more at the end, the unpacked size, which is no block.
    """
    codec = _codec("lz4.block")
    reader.read_exactly(4)
    while reader.left > 4:
        size = int.from_bytes(reader.read_exactly(4), "little")
        if size > 2 * _LZ4_BLOCK:
            raise DamagedError(f"a block of {size} bytes is longer than the format allows")
        try:
            yield codec.decompress(reader.read_exactly(size), uncompressed_size=_LZ4_BLOCK)
        except codec.LZ4BlockError as error:
            raise DamagedError(error) from None


def _lzo(reader: BoundedReader) -> Iterator[bytes]:
    return lzop.unpack(reader, _codec("lzallright"))


def _codec(name: str) -> Any:  # noqa: ANN401 - a module
    try:
        return import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise _missing(package) from None


def _missing(package: str) -> ShimtoolError:
    return fault(
        f"the Python package {package} is needed to unpack this file and is not installed",
        remedy=f"pip install {package}, or use the container image, which has it",
    )


_DECODERS: dict[Compression, Callable[[BoundedReader], Iterator[bytes]]] = {
    Compression.NONE: _stored,
    Compression.GZIP: _gzip,
    Compression.BZIP2: _bzip2,
    Compression.LZMA: _lzma,
    Compression.XZ: _xz,
    Compression.LZO: _lzo,
    Compression.LZ4: _lz4,
    Compression.ZSTD: _zstd,
}
