"""LZOP's container, in which Linux keeps lzo-compressed kernels and ramdisks.

Numbers are big-endian. Header: magic, version, library version, then (from version 0x940)
version needed, method, (from 0x940) level, flags, (if flagged) filter, mode, mtime,
(from 0x940) mtime's high word, name with its length byte, checksum. Blocks: unpacked size
(0 ends), packed size, checksums as flagged, data; equal sizes mean stored data.
"""

from collections.abc import Iterator
from typing import Any

from shimtool.payload.kernel.bounded_reader import BoundedReader, DamagedError

MAGIC = b"\x89LZO\0\r\n\x1a\n"
_BLOCK = 256 << 10  # largest unpacked block that Linux takes, and what lzop writes

_FILTER, _EXTRA = 0x800, 0x40
_SUMS_OF_UNPACKED, _SUMS_OF_PACKED = (0x1, 0x100), (0x2, 0x200)


def unpack(reader: BoundedReader, codec: Any) -> Iterator[bytes]:  # noqa: ANN401 - a module
    """Give the unpacked blocks, each at most 256 KiB; `codec` is lzallright.

    Raises DamagedError or EOFError. Checksums are not looked at.
    """
    flags = _header(reader)
    while unpacked := _number(reader, 4):
        packed = _number(reader, 4)
        if not 0 < packed <= unpacked <= _BLOCK:
            raise DamagedError(f"a block of {packed} bytes for {unpacked}")
        reader.read_exactly(4 * sum(bool(flags & bit) for bit in _SUMS_OF_UNPACKED))
        if packed < unpacked:
            reader.read_exactly(4 * sum(bool(flags & bit) for bit in _SUMS_OF_PACKED))
        yield _block(reader.read_exactly(packed), unpacked, codec)


def _header(reader: BoundedReader) -> int:
    """Skip the header, return its flags."""
    reader.read_exactly(len(MAGIC))
    modern = _number(reader, 2) >= 0x940
    reader.read_exactly(2 + 2 * modern + 1 + modern)
    flags = _number(reader, 4)
    if flags & _EXTRA:
        raise DamagedError("an extra field in the header, which Linux does not know either")
    reader.read_exactly(4 * bool(flags & _FILTER) + 4 + 4 + 4 * modern)
    reader.read_exactly(_number(reader, 1) + 4)
    return flags


def _number(reader: BoundedReader, size: int) -> int:
    return int.from_bytes(reader.read_exactly(size), "big")


def _block(data: bytes, size: int, codec: Any) -> bytes:  # noqa: ANN401 - a module
    if len(data) == size:
        return data
    try:
        plain = codec.LZOCompressor.decompress(data, size)
    except codec.LZOError as error:
        raise DamagedError(f"a bad block ({error})") from None
    if len(plain) != size:
        raise DamagedError(f"a block of {len(plain)} bytes instead of {size}")
    return bytes(plain)
