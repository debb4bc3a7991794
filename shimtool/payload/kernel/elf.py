"""ELF headers and Xen's notes, read from a stream that need not be seekable.

Sizes and offsets are bytes of the ELF image. pyelftools wants a seekable file, and a kernel's
is compressed; unpacking 66 MB to memory for 500 bytes of notes is what this avoids.
"""

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO, Literal, Protocol

from shimtool.deferred import dataclass
from shimtool.payload.kernel.bounded_reader import BoundedReader, DamagedError

MAGIC = b"\x7fELF"
_MACHINES = (3, 62)  # i386, x86_64
_PT_LOAD, _PT_NOTE, _SHT_NOTE = 1, 4, 7
PIECE_LIMIT = 4 << 20  # of a table, or of all notes together; Debian's notes are 504 bytes


class Image(Protocol):
    """Random access to an ELF image; cheap only when going forwards."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Return exactly `size` bytes; EOFError when the image is shorter."""
        ...


class Plain:
    """An Image that lies uncompressed in a file."""

    def __init__(self, source: BinaryIO, offset: int, length: int) -> None:
        self._place = source, offset, length

    def read_at(self, offset: int, size: int) -> bytes:
        source, start, length = self._place
        return BoundedReader(source, start + offset, length - offset).read_exactly(size)


class Forward:
    """An Image over a stream: what lies between reads is unpacked and thrown away.

    Going back starts the stream anew, at most `RESTARTS` times.
    """

    RESTARTS = 4

    def __init__(self, start: Callable[[], Iterator[bytes]]) -> None:
        self._start = start
        self._restarts = 0
        self._rewind()

    def _rewind(self) -> None:
        self._chunks = self._start()
        self._chunk = memoryview(b"")
        self._at = 0  # offset of _chunk in the image

    def read_at(self, offset: int, size: int) -> bytes:
        if offset < self._at:
            self._restarts += 1
            if self._restarts > self.RESTARTS:
                raise DamagedError("its ELF headers lead back and forth")
            self._rewind()
        piece = bytearray()
        while len(piece) < size:
            skip = offset + len(piece) - self._at
            piece += self._chunk[skip : skip + size - len(piece)]
            if len(piece) < size:
                self._next()
        return bytes(piece)

    def _next(self) -> None:
        self._at += len(self._chunk)
        try:
            self._chunk = memoryview(next(self._chunks))
        except StopIteration:
            raise EOFError("the ELF image ends early") from None


@dataclass(frozen=True, slots=True)
class Header:
    """What is needed of an ELF header; tables are (offset, entry size, entries)."""

    bits: Literal[32, 64]
    segments: tuple[int, int, int]
    sections: tuple[int, int, int]
    names: int


@dataclass(frozen=True, slots=True)
class Section:
    """A section header's name (offset in the name table), type and place."""

    name: int
    type: int
    offset: int
    size: int


def read_header(image: Image) -> Header:
    """Read an x86 ELF header. Raises DamagedError for anything else, EOFError when cut short."""
    ident = image.read_at(0, 20)
    if not ident.startswith(MAGIC):
        raise DamagedError("no ELF image")
    if ident[4] not in (1, 2) or ident[5] != 1:
        raise DamagedError("an ELF image of an unknown class or byte order")
    kind, machine = struct.unpack_from("<HH", ident, 16)
    if machine not in _MACHINES:
        raise DamagedError(f"an ELF image for another processor (machine {machine})")
    if kind not in (2, 3):
        raise DamagedError("an ELF object that is no executable (a kernel module?)")
    layout = "<QQQI6H" if ident[4] == 2 else "<IIII6H"
    raw = image.read_at(24, struct.calcsize(layout))
    _, phoff, shoff, _, _, phsize, phnum, shsize, shnum, names = struct.unpack(layout, raw)
    bits: Literal[32, 64] = 64 if ident[4] == 2 else 32
    return Header(bits, (phoff, phsize, phnum), (shoff, shsize, shnum), names)


@dataclass(frozen=True, slots=True)
class Segment:
    """A program header: its place in the file, and in memory by physical address."""

    type: int
    offset: int
    size: int
    address: int
    memory_size: int


def _segments(image: Image, header: Header) -> list[Segment]:
    wide = header.bits == 64
    layout, pick = ("<IIQQQQQQ", (0, 2, 5, 4, 6)) if wide else ("<8I", (0, 1, 4, 3, 5))
    entries = _table(image, header.segments, layout)
    return [Segment(*(entry[index] for index in pick)) for entry in entries]


def loaded_segments(image: Image, header: Header) -> list[Segment]:
    """Return the PT_LOAD segments, in order."""
    return [each for each in _segments(image, header) if each.type == _PT_LOAD]


def note_segments(image: Image, header: Header) -> list[tuple[int, int]]:
    """Return (offset, size) of each PT_NOTE segment, ascending."""
    found = _segments(image, header)
    return sorted((each.offset, each.size) for each in found if each.type == _PT_NOTE and each.size)


def sections(image: Image, header: Header) -> list[Section]:
    """Return the section headers, in order."""
    layout = "<IIQQQQIIQQ" if header.bits == 64 else "<10I"
    return [
        Section(entry[0], entry[1], entry[4], entry[5])
        for entry in _table(image, header.sections, layout)
    ]


def note_sections(found: list[Section]) -> list[tuple[int, int]]:
    """Return (offset, size) of each SHT_NOTE section, ascending."""
    return sorted((s.offset, s.size) for s in found if s.type == _SHT_NOTE and s.size)


def named(image: Image, header: Header, found: list[Section], name: bytes) -> Section | None:
    """Return the section called `name`, or None."""
    if header.names >= len(found):
        return None
    table = piece(image, found[header.names].offset, found[header.names].size)
    wanted = name + b"\0"
    return next((s for s in found if table.startswith(wanted, s.name)), None)


def piece(image: Image, offset: int, size: int) -> bytes:
    """Read a part whose size comes from the file itself, so is not to be trusted."""
    if size > PIECE_LIMIT:
        raise DamagedError(f"an ELF table or note of {size} bytes")
    return image.read_at(offset, size)


def _table(image: Image, place: tuple[int, int, int], layout: str) -> Iterator[tuple[int, ...]]:
    offset, step, count = place
    if not count or not offset:
        return
    if step < struct.calcsize(layout):
        raise DamagedError(f"ELF table entries of {step} bytes")
    raw = piece(image, offset, step * count)
    for at in range(0, step * count, step):
        yield struct.unpack_from(layout, raw, at)
