"""An ISO of ours, read back: names, extents, and what makes it bootable."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Self

import pycdlib
from pycdlib.pycdlibexception import PyCdlibException

from shimtool.errors import ShimtoolError, fault, from_os
from shimtool.write.content import BOOT_FILE, BOOT_INFO_END
from shimtool.write.iso import SECTOR

_BLOCK = 1 << 20
_REDO = "convert its guest again with --force"


class Iso:
    """A context manager around pycdlib; every way of being damaged is a ShimtoolError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._iso = pycdlib.PyCdlib()
        self._file: BinaryIO = io.BytesIO()

    def __enter__(self) -> Self:
        try:
            self._file = self._path.open("rb")
            self._iso.open_fp(self._file)
        except OSError as error:
            raise from_os(error, "read", self._path) from None
        except Exception as error:  # noqa: BLE001 - hostile bytes raise anything in a parser
            self._file.close()
            raise self._fault("not a readable ISO", str(error)) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._iso.close()
        self._file.close()

    def names(self) -> list[str]:
        """Return the names in the root folder."""
        children = self._iso.list_children(iso_path="/")
        return [child.file_identifier().decode(errors="surrogateescape") for child in children]

    def size(self, name: str) -> int:
        """Return a file's size in bytes."""
        return int(self._record(name)[1])

    def end(self, name: str) -> int:
        """Return the offset in bytes at which a file ends."""
        start, size = self._record(name)
        return start + size

    def read(self, name: str, limit: int) -> bytes:
        """Return a small file whole; raise ShimtoolError when it is larger than `limit`."""
        if self.size(name) > limit:
            raise self._fault(f"{name} is too large", f"{self.size(name)} bytes")
        return b"".join(self.blocks(name, 0))

    def head(self, name: str, length: int) -> bytes:
        """Return a file's first bytes, a sector at most."""
        self._file.seek(self._record(name)[0])
        return self._file.read(min(length, SECTOR))

    def blocks(self, name: str, skip: int) -> Iterator[bytes]:
        """Yield a file's content from `skip` on, in blocks."""
        start, size = self._record(name)
        self._file.seek(start + skip)
        left = size - skip
        while left > 0:
            block = self._file.read(min(_BLOCK, left))
            if not block:
                raise self._fault(f"{name} is cut off", f"{left} bytes are missing")
            left -= len(block)
            yield block

    def boot_record(self) -> str:
        """Check El Torito and the boot info table as mkisofs and ISOLINUX define it.

        The table at byte 8 of isolinux.bin: volume descriptor, own extent, length, and the sum
        of the 32-bit words behind the table.
        """
        catalog = self._iso.eltorito_boot_catalog
        if catalog is None:
            raise self._fault("no El Torito boot record", "none")
        start, size = self._record(BOOT_FILE)
        data = self.read(BOOT_FILE, _BLOCK)
        if catalog.initial_entry.get_rba() * SECTOR != start:
            raise self._fault("the boot record names another file", BOOT_FILE)
        body = data[BOOT_INFO_END:]
        body += bytes(-len(body) % 4)
        total = sum(struct.unpack(f"<{len(body) // 4}I", body)) & 0xFFFFFFFF
        if struct.unpack_from("<4I", data, 8) != (16, start // SECTOR, size, total):
            raise self._fault(f"the boot info table in {BOOT_FILE} is wrong", "checksum differs")
        return f"El Torito, {BOOT_FILE} at sector {start // SECTOR}, checksum {total:08x}"

    def _record(self, name: str) -> tuple[int, int]:
        try:
            record = self._iso.get_record(iso_path=f"/{name}")
        except PyCdlibException:
            raise self._fault(f"{name} is missing in the ISO", "not there") from None
        return int(record.extent_location()) * SECTOR, int(record.get_data_length())

    def _fault(self, message: str, seen: str) -> ShimtoolError:
        return fault(message, self._path, seen=seen, remedy=_REDO)
