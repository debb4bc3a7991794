"""What a ramdisk holds, as far as loader and Linux care.

Linux unpacks newc cpio archives (Documentation/driver-api/early-userspace/buffer-format.rst),
plain or compressed, zeros between them; anything else is an old file-system image, or
something of the guest's own (pv-grub takes a menu.lst).
"""

from typing import BinaryIO

from shimtool.errors import ShimtoolError
from shimtool.model import Compression
from shimtool.payload.kernel import compression
from shimtool.system.files import size_of

_GZIP = b"\x1f\x8b"
_NEWC = (b"070701", b"070702")
_PADDING_LIMIT = 16 << 20  # bytes of zeros to skip
_BLOCK = 64 << 10


def inspect_ramdisk(source: BinaryIO) -> tuple[bool, bool, int | None]:
    """Return (begins with gzip's magic, is a cpio archive or holds one, its size if unzipped).

    An uncompressed archive in front (microcode) makes it a cpio whatever follows. Never an
    error: data that cannot be unpacked is just no cpio.
    """
    source.seek(0)
    gzip = source.read(2) == _GZIP
    return gzip, _is_cpio(source), _unzipped_size(source) if gzip else None


def _unzipped_size(source: BinaryIO) -> int:
    """Return what a gzip file says that it unpacks to: its last word, as xl reads it."""
    size = size_of(source)
    source.seek(max(0, size - 4))
    return int.from_bytes(source.read(4), "little")


def _is_cpio(source: BinaryIO) -> bool:
    start = _padding(source)
    source.seek(start)
    head = source.read(16)
    if head.startswith(_NEWC):
        return True
    kind = compression.detect(head)
    if kind is Compression.NONE:
        return False
    length = size_of(source) - start
    chunks = compression.open_stream(source, start, length, kind)
    try:
        return next(filter(None, (chunk.lstrip(b"\0") for chunk in chunks)), b"").startswith(_NEWC)
    except ShimtoolError:
        return False


def _padding(source: BinaryIO) -> int:
    """Count the zeros at the start."""
    source.seek(0)
    count = 0
    while count < _PADDING_LIMIT and (block := source.read(_BLOCK)):
        rest = block.lstrip(b"\0")
        count += len(block) - len(rest)
        if rest:
            break
    return count
