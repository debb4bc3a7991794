"""10 GB of zeros behind the start of some file, in a few kB or MB of each compression.

Made of repeated blocks, so that they cost nothing; what follows 10 GB (checksums, an index) is
left out, as nobody should get there.
"""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable

import lz4.block

from shimtool.model import Compression
from tests.support import kernel_builder as build

MIB = 1 << 20
SIZE = 10 << 30
_PIECE = 16 * MIB


def _gzip(head: bytes) -> bytes:
    """Deflate blocks, aligned to bytes by full flushes: they stand for themselves."""
    body = [_deflated(head.ljust(_PIECE, b"\0")), _deflated(bytes(_PIECE)) * (SIZE // _PIECE)]
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + b"".join(body)


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush(zlib.Z_FULL_FLUSH)


def _bzip2(head: bytes) -> bytes:
    """Blocks lie at any bit: each begins with 48 bits of pi, and holds 46 MB of zeros."""
    made = bz2.compress(head + bytes(100 * MIB), 9)  # into the third block
    bits = "".join(f"{byte:08b}" for byte in made)
    start = f"{0x314159265359:048b}"
    first = bits.index(start)
    second = bits.index(start, first + 1)
    third = bits.index(start, second + 1)
    bits = bits[:second] + bits[second:third] * (SIZE // (46 * MIB))
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")


def _xz(head: bytes) -> bytes:
    """LZMA2 chunks that begin with a reset, in one block of unknown size."""
    whole = lzma.compress(head.ljust(_PIECE, b"\0"), check=lzma.CHECK_NONE, preset=0)
    start = 12 + (whole[12] + 1) * 4  # stream header, then the block's own
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0}]
    pieces = [
        lzma.compress(data, lzma.FORMAT_RAW, filters=filters)[:-1]  # less the end mark
        for data in (head.ljust(_PIECE, b"\0"), bytes(_PIECE))
    ]
    return whole[:start] + pieces[0] + pieces[1] * (SIZE // _PIECE)


def _lzma(head: bytes) -> bytes:
    """One coded stream, which cannot be repeated: 0.6 GB, as more takes long to make."""
    packer = lzma.LZMACompressor(lzma.FORMAT_ALONE, preset=0)
    zeros = (packer.compress(bytes(_PIECE)) for _ in range(38))
    return b"".join([packer.compress(head), *zeros, packer.flush()])


def _lz4(head: bytes) -> bytes:
    size = 8 * MIB
    blocks = [
        lz4.block.compress(part, store_size=False)
        for part in (head.ljust(size, b"\0"), bytes(size))
    ]
    parts: list[bytes] = [struct.pack("<I", len(block)) + block for block in blocks]
    return b"\x02\x21\x4c\x18" + parts[0] + parts[1] * (SIZE // size)


def _lzo(head: bytes) -> bytes:
    """Two blocks of 256 KiB as lzop packs them, the second again and again."""
    size = 256 << 10
    made = build.packed(head.ljust(size, b"\0") + bytes(size), Compression.LZO, sized=False)
    second = made.rindex(struct.pack(">I", size))  # unpacked, then packed size
    return made[:second] + made[second:-4] * (SIZE // size)


def _zstd(head: bytes) -> bytes:
    """A raw block, then blocks of one byte repeated 128 KiB times."""
    size = 128 << 10
    raw = (len(head) << 3).to_bytes(3, "little") + head
    return (
        b"\x28\xb5\x2f\xfd\0\x70"
        + raw
        + ((size << 3 | 2).to_bytes(3, "little") + b"\0") * (SIZE // size)
    )


BOMBS: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.GZIP: _gzip,
    Compression.BZIP2: _bzip2,
    Compression.XZ: _xz,
    Compression.LZMA: _lzma,
    Compression.LZ4: _lz4,
    Compression.LZO: _lzo,
    Compression.ZSTD: _zstd,
}
