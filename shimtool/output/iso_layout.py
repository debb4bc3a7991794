"""Where a boot ISO's files lie, and how its directory comes to say so.

pycdlib makes the descriptors and the directory, and puts one file right behind the other. Ours lie
so that file systems can share blocks between an ISO and what it is made of.
"""

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shimtool.output.iso_content import BOOT_FILE, IsoFile
from shimtool.output.shared_blocks import BLOCK

SECTOR = 2048
# Loaders read in aligned chunks past the end of the last file; mkisofs pads by as much.
PADDING = 150 * SECTOR
_DESCRIPTORS = 16 * SECTOR  # volume descriptors begin here (ECMA-119, 6.2.1)
# What pycdlib puts before the first file: those, path tables, the root folder, boot.cat.
_FIRST = 27 * SECTOR


class Layout(NamedTuple):
    """Byte offsets of the files by name; where the last one's sectors end."""

    places: Mapping[str, int]
    end: int

    @property
    def size(self) -> int:
        """Bytes of the whole ISO."""
        return self.end + PADDING


def lay_out(files: Iterable[IsoFile]) -> Layout:
    """Place files: the boot file first, where pycdlib puts it, then by name."""
    places, at = {}, _FIRST
    for file in sorted(files, key=lambda file: (file.name != BOOT_FILE, file.name)):
        if file.source is not None and len(file.prefix) % SECTOR == 0:
            at += -(at + len(file.prefix)) % BLOCK
        places[file.name] = at
        at += -(-file.size // SECTOR) * SECTOR
    return Layout(places, at)


def finish(descriptor: int, layout: Layout) -> None:
    """Write the layout into what pycdlib made, and "not specified" over the dates of the clock.

    Volume descriptors: the volume's size at 80, four 17-byte dates at 813 (ECMA-119, 8.4);
    directory records: a file's first sector at 2, 7 bytes of date at 18 (9.1), in the descriptors'
    own root record at 156 and in the root folder's sectors.
    """
    at = _DESCRIPTORS
    while (head := os.pread(descriptor, SECTOR, at))[0] != 255:
        if head[0] in (1, 2):  # primary, supplementary
            os.pwrite(descriptor, _both(layout.end // SECTOR), at + 80)
            os.pwrite(descriptor, (b"0" * 16 + b"\0") * 4, at + 813)
            os.pwrite(descriptor, bytes(7), at + 156 + 18)
            root = int.from_bytes(head[158:162], "little") * SECTOR
            size = int.from_bytes(head[166:170], "little")
            _finish_folder(descriptor, root, size, dict(layout.places))
        at += SECTOR


def _finish_folder(descriptor: int, at: int, size: int, places: dict[str, int]) -> None:
    """Let records name these places: several, one after another, those of a file near 4 GiB."""
    data = bytearray(os.pread(descriptor, size, at))
    offset = 0
    while offset < size:
        if length := data[offset]:
            data[offset + 18 : offset + 25] = bytes(7)
            name = data[offset + 33 : offset + 33 + data[offset + 32]].decode()
            if name in places:
                data[offset + 2 : offset + 10] = _both(places[name] // SECTOR)
                places[name] += int.from_bytes(data[offset + 10 : offset + 14], "little")
            offset += length
        else:  # records do not cross sectors
            offset = (offset // SECTOR + 1) * SECTOR
    os.pwrite(descriptor, data, at)


def _both(number: int) -> bytes:
    """Encode in both byte orders (ECMA-119, 7.3.3)."""
    return number.to_bytes(4, "little") + number.to_bytes(4, "big")
