"""Read the few parts of a 32-bit x86 ELF file that tell a shim: headers and notes.

Layouts are those of the System V ABI (gABI chapter 4, i386 supplement). Read by hand because
pyelftools follows counts and sizes of the file without bounds; tests compare with it.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

HEADER = struct.Struct("<16sHHIIIIIHHHHHH")
PROGRAM_HEADER = struct.Struct("<8I")
NOTE = struct.Struct("<III")
PT_NOTE = 4
EM_386 = 3
MOST_SEGMENTS = 64  # Xen's has two
MOST_NOTE_BYTES = 1 << 16


class BadELFError(Exception):
    """Not a sound 32-bit x86 ELF: `message` says why, `remedy` what to do."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Note:
    """One ELF note: its owner ("Xen", "GNU"), the owner's type number, and its data."""

    owner: bytes
    type: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """A program header's type and its range in the file, in bytes."""

    type: int
    offset: int
    size: int


def segments(data: bytes) -> tuple[Segment, ...]:
    """Return the program headers, every one within the file; raise BadELFError otherwise."""
    _check_identity(data)
    if len(data) < HEADER.size:
        raise _truncated("in the ELF header")
    fields = HEADER.unpack_from(data)
    machine, table, entry_size, count = fields[2], fields[5], fields[9], fields[10]
    if machine != EM_386:
        raise BadELFError(
            f"an ELF file for another machine (e_machine {machine}), a shim is 32-bit x86",
            "give xen-shim of an x86 build of Xen",
        )
    if entry_size != PROGRAM_HEADER.size or not 0 < count <= MOST_SEGMENTS:
        raise BadELFError(
            f"damaged ELF header: {count} program headers of {entry_size} bytes",
            "copy or download the file again",
        )
    if table + count * entry_size > len(data):
        raise _truncated("in the program headers")
    found = []
    for index in range(count):
        kind, offset, _, _, size, *_ = PROGRAM_HEADER.unpack_from(data, table + index * entry_size)
        if offset + size > len(data):
            raise _truncated(
                f"segment {index} reaches to byte {offset + size}, the file ends at {len(data)}"
            )
        found.append(Segment(kind, offset, size))
    return tuple(found)


def notes(data: bytes, table: tuple[Segment, ...]) -> Iterator[Note]:
    """Yield the notes of all note segments, up to the first that does not fit its segment."""
    for segment in table:
        if segment.type == PT_NOTE:
            size = min(segment.size, MOST_NOTE_BYTES)
            yield from _notes_in(data[segment.offset : segment.offset + size])


def _notes_in(area: bytes) -> Iterator[Note]:
    at = 0
    while at + NOTE.size <= len(area):
        name_size, data_size, kind = NOTE.unpack_from(area, at)
        name_at = at + NOTE.size
        data_at = name_at + _round4(name_size)
        if data_at + data_size > len(area):
            return
        owner = area[name_at : name_at + name_size].rstrip(b"\0")
        yield Note(owner, kind, area[data_at : data_at + data_size])
        at = data_at + _round4(data_size)


def _check_identity(data: bytes) -> None:
    if data[:4] != b"\x7fELF":
        raise BadELFError("not an ELF file, so not a shim", "give xen-shim itself or its package")
    if data[4:5] == b"\x02":
        raise BadELFError(
            "a 64-bit ELF file; a shim is a 32-bit one, as loaders start it in 32-bit mode",
            "give xen-shim, not xen-syms, xen-shim-syms or a Linux vmlinux",
        )
    if data[4:6] != b"\x01\x01":
        raise BadELFError(
            "not a 32-bit little-endian ELF file", "give xen-shim of an x86 build of Xen"
        )


def _truncated(where: str) -> BadELFError:
    return BadELFError(f"the file is cut off: {where}", "copy or download it again")


def _round4(size: int) -> int:
    return (size + 3) & ~3
