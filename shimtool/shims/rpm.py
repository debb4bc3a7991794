"""Read the head of an RPM package: lead, signature header, header (rpm's docs, format v3/v4)."""

import struct
from typing import BinaryIO

from shimtool.shims.files import MIB
from shimtool.shims.streams import BadPackageError

MAGIC = b"\xed\xab\xee\xdb"
LEAD = 96
HEADER_MAGIC = b"\x8e\xad\xe8\x01"
INDEX_LIMIT = 1 << 16
STORE_LIMIT = 64 * MIB
STRING_TYPES = (6, 9)  # STRING and I18NSTRING
TAGS = {1000: "name", 1001: "version", 1002: "release", 1011: "vendor"}


def read_tags(file: BinaryIO) -> dict[str, str]:
    """Return the tags of TAGS that the package has, leaving `file` where the payload begins."""
    file.seek(LEAD)
    _read_header(file)
    file.seek(-file.tell() % 8, 1)  # only the signature header is padded
    return _read_header(file)


def _read_header(file: BinaryIO) -> dict[str, str]:
    magic, count, size = struct.unpack(">4s4xII", _exactly(file, 16))
    if magic != HEADER_MAGIC or count > INDEX_LIMIT or size > STORE_LIMIT:
        raise BadPackageError("not an RPM header")
    index, store = _exactly(file, 16 * count), _exactly(file, size)
    found = {}
    for tag, kind, offset, _ in struct.iter_unpack(">IIII", index):
        if tag in TAGS and kind in STRING_TYPES and offset < size:
            end = store.find(b"\0", offset)
            found[TAGS[tag]] = store[offset : max(end, offset)].decode("utf-8", "replace")
    return found


def _exactly(file: BinaryIO, size: int) -> bytes:
    data = file.read(size)
    if len(data) != size:
        raise BadPackageError("it ends too early")
    return data
