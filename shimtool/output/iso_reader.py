"""An ISO of ours, read back: names, extents, and what makes it bootable."""

import io
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import pycdlib

from shimtool.deferred import dataclass
from shimtool.errors import ShimtoolError, fault, os_error
from shimtool.output.boot_info import boot_info, boot_info_in
from shimtool.output.iso_content import BOOT_FILE
from shimtool.output.iso_layout import SECTOR
from shimtool.system.files import open_named

_BLOCK = 1 << 20
REDO = "convert its guest again with --force"


@dataclass(frozen=True, slots=True)
class _Extent:
    """Where a file lies in the ISO: offset and size in bytes."""

    start: int
    size: int


class _Bounded:
    """What the parser reads through: sizes in a hostile ISO must not decide our memory or time.

    Descriptors, folder and boot loader of ours are less than 0.1 MB.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._left = 16 * _BLOCK
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if not 0 <= size <= self._left:
            raise ValueError("folders or boot loader too large for an ISO of ours")
        self._left -= size
        return self._file.read(size)


class _Layout(pycdlib.PyCdlib):
    def _check_for_eltorito_boot_info_table(self, _loader: object) -> None:
        """Leave it out: the loader is summed up in Python, 7 ms, and `Iso.boot_record` does it."""


class Iso:
    """A context manager around pycdlib; every way of being damaged is a ShimtoolError.

    Folders inside, names that stand twice and files in more than one piece count as damage:
    boot loaders read them in different ways, and none of ours has such.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._iso = _Layout()
        self._file: BinaryIO = io.BytesIO()
        self._files: dict[str, _Extent] = {}
        self.length = 0  # of the whole ISO, bytes

    def __enter__(self) -> Self:
        self._file = open_named(self._path)
        try:
            self.length = os.fstat(self._file.fileno()).st_size
            self._iso.open_fp(cast("BinaryIO", _Bounded(self._file)))
            self._files = self._root()
        except OSError as error:
            self._file.close()
            raise os_error(error, "read", self._path) from None
        except ShimtoolError:
            self._file.close()
            raise
        except Exception as error:  # noqa: BLE001 - hostile bytes raise anything in a parser
            self._file.close()
            raise self._fault("not a readable ISO", str(error)) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._iso.close()
        self._file.close()

    def names(self) -> list[str]:
        """Return the names in the root folder."""
        return list(self._files)

    def size(self, name: str) -> int:
        """Return a file's size in bytes."""
        return self._extent(name).size

    def end(self, name: str) -> int:
        """Return the offset in bytes at which a file ends."""
        extent = self._extent(name)
        return extent.start + extent.size

    def read(self, name: str, limit: int) -> bytes:
        """Return a small file whole; raise ShimtoolError when it is larger than `limit`."""
        if self.size(name) > limit:
            raise self._fault(f"{name} is too large", f"{self.size(name)} bytes")
        return b"".join(self.blocks(name, 0))

    def head(self, name: str, length: int) -> bytes:
        """Return a file's first bytes, at most `length` and a block."""
        extent = self._extent(name)
        return self._read_at(extent.start, min(length, extent.size, _BLOCK))

    def blocks(self, name: str, skip: int) -> Iterator[bytes]:
        """Yield a file's content from `skip` on (0 to its size), in blocks."""
        extent = self._extent(name)
        end = extent.start + extent.size
        at = extent.start + skip
        while at < end:
            block = self._read_at(at, min(_BLOCK, end - at))
            if not block:
                raise self._fault(f"{name} is cut off", f"{end - at} bytes are missing")
            at += len(block)
            yield block

    def boot_record(self) -> str:
        """Check El Torito and the boot info table, which tells where the loader is, and its sum."""
        sector = self._extent(BOOT_FILE).start // SECTOR
        if (why := self._unbootable(sector)) is not None:
            raise self._fault("the El Torito boot record is wrong", why)
        loader = self.read(BOOT_FILE, _BLOCK)
        table = boot_info(loader, sector)
        if boot_info_in(loader) != table:
            raise self._fault(f"the boot info table in {BOOT_FILE} is wrong", "checksum differs")
        checksum = int.from_bytes(table[12:16], "little")
        return f"El Torito, {BOOT_FILE} at sector {sector}, checksum {checksum:08x}"

    def _unbootable(self, sector: int) -> str | None:
        """Tell why a BIOS would not start the loader: El Torito 1.0, sections 2.0 to 2.3."""
        catalog = self._iso.eltorito_boot_catalog
        if catalog is None:
            return "there is none"
        if catalog.sections or catalog.standalone_entries or catalog.validation_entry.platform_id:
            return "it offers more than one thing to boot"
        entry = catalog.initial_entry
        if entry.get_rba() != sector:
            return f"it names another file than {BOOT_FILE}"
        how = (entry.boot_indicator, entry.boot_media_type, entry.sector_count)
        if how != (0x88, 0, 4) or entry.load_segment not in (0, 0x7C0):
            return "it is not bootable without emulation"
        return None

    def _root(self) -> dict[str, _Extent]:
        """Read the root folder."""
        records = [each for each in self._iso.list_children(iso_path="/") if not _is_dots(each)]
        counts = Counter(map(_name, records))
        if doubled := [name for name, count in counts.items() if count > 1]:
            raise self._fault("names stand twice in the ISO", ", ".join(doubled))
        if strange := [_name(record) for record in records if _is_strange(record)]:
            raise self._fault("not plain files, as all of ours are", ", ".join(strange))
        return {
            _name(record): _Extent(int(record.extent_location()) * SECTOR, int(record.data_length))
            for record in records
        }

    def _read_at(self, at: int, length: int) -> bytes:
        try:
            self._file.seek(at)
            return self._file.read(length)
        except OSError as error:
            raise os_error(error, "read", self._path) from None

    def _extent(self, name: str) -> _Extent:
        try:
            return self._files[name]
        except KeyError:
            raise self._fault(f"{name} is missing in the ISO", "not there") from None

    def _fault(self, message: str, seen: str) -> ShimtoolError:
        return fault(message, self._path, seen=seen, remedy=REDO)


def _name(record: Any) -> str:  # noqa: ANN401 - pycdlib has no types
    return str(record.file_identifier().decode("ascii"))


def _is_dots(record: Any) -> bool:  # noqa: ANN401 - pycdlib has no types
    return bool(record.is_dot() or record.is_dotdot())


def _is_strange(record: Any) -> bool:  # noqa: ANN401 - pycdlib has no types
    """Whether a record is anything but a plain file in one piece (ECMA-119, 9.1)."""
    odd = (record.xattr_len, record.file_flags, record.file_unit_size, record.interleave_gap_size)
    return any(odd)
