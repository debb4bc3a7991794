"""What the pre-stage reads, made by hand: parameter files, shims, ACPI tables, modules."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from tests.prestage.native import Region

PAGE = 4096
ROOM, ROOM_END = 0x200000, 0x1200000  # kept for the shim
LOADER_MAGIC = 0x2BADB002
LOW_END = 0xA00000  # of Debian's shim as it was loaded: memory from here on can be moved

_HEADER = struct.Struct("<8s13I")  # the parameter file's, as container/prestage/params.h has it


@dataclass(frozen=True, slots=True)
class Params:
    """The fields of a parameter file, sizes in bytes."""

    verbose: int = 0
    vcpus: int = 1
    event_vector: int = 0
    shim_size: int = 100
    kernel_guard: int = 0
    kernel_size: int = 100
    ramdisk_guard: int = 0
    ramdisk_size: int = 0
    block: tuple[int, int] | None = None  # and with how much memory it is free as things are
    shim_line: bytes = b"pv-shim"
    guest_line: bytes = b"root=/dev/xvda1"

    def encode(
        self, *, magic: bytes = b"prestage", version: int | None = None, slack: bytes = b""
    ) -> bytes:
        """Write the file, whether it is right or not; `slack` comes after all else."""
        numbers = (
            *(self.verbose, self.vcpus, self.event_vector, self.shim_size),
            *(self.kernel_guard, self.kernel_size, self.ramdisk_guard, self.ramdisk_size),
            *(len(self.shim_line), len(self.guest_line)),
        )
        block = b"" if self.block is None else struct.pack("<2I", *self.block)
        rest = block + self.shim_line + b"\0" + self.guest_line + b"\0" + slack
        version = version or (2 if block else 1)
        return sealed(_HEADER.pack(magic, version, _HEADER.size + len(rest), 0, *numbers) + rest)


def sealed(file: bytes) -> bytes:
    """Put the checksum into a parameter file."""
    blank = file[:16] + bytes(4) + file[20:]
    return file[:16] + struct.pack("<I", zlib.crc32(blank)) + file[20:]


@dataclass(frozen=True, slots=True)
class Segment:
    """A line of an ELF's table of segments; `filesz` None = as long as the content."""

    content: bytes = b"code"
    memsz: int = 64
    paddr: int = ROOM
    vaddr: int = ROOM
    kind: int = 1
    filesz: int | None = None
    offset: int | None = None


def elf(*segments: Segment, entry: int = ROOM, **header: int) -> bytes:
    """Write an ELF image of 32 bits; `header` replaces fields of that name."""
    fields = {
        **{"type": 2, "machine": 3, "version": 1, "entry": entry, "phoff": 52, "shoff": 0},
        **{"flags": 0, "ehsize": 52, "phentsize": 32, "phnum": len(segments)},
    } | header
    ident = b"\x7fELF\1\1\1".ljust(16, b"\0")
    image = struct.pack("<16s2H5I3H6x", ident, *fields.values())
    contents, at = b"", 52 + 32 * len(segments)
    for each in segments:
        filesz = len(each.content) if each.filesz is None else each.filesz
        offset = at + len(contents) if each.offset is None else each.offset
        words = (each.kind, offset, each.vaddr, each.paddr, filesz, each.memsz, 7, 16)
        image += struct.pack("<8I", *words)
        contents += each.content
    return image + contents


def table(signature: bytes, body: bytes) -> bytes:
    """Write an ACPI table with its checksum (ACPI 6.5, 5.2.6)."""
    header = struct.pack("<4sIBB", signature, 36 + len(body), 1, 0) + b"TESTS ".ljust(26)
    return checksummed(header + body, 9)


def checksummed(data: bytes, at: int) -> bytes:
    """Set the byte at `at` so that the sum of all is 0."""
    blank = data[:at] + b"\0" + data[at + 1 :]
    return data[:at] + bytes([-sum(blank) & 0xFF]) + data[at + 1 :]


def apic(number: int, *, enabled: bool = True) -> bytes:
    """Write a processor's entry of a MADT: type 0."""
    return struct.pack("<BBBBI", 0, 8, number, 2 * number, int(enabled))


def x2apic(number: int, *, enabled: bool = True) -> bytes:
    """Write a processor's entry of a MADT: type 9."""
    return struct.pack("<BBHIII", 9, 16, 0, 2 * number, int(enabled), number)


IO_APIC = struct.pack("<BBBBII", 1, 12, 1, 0, 0xFEC00000, 0)


def madt(*entries: bytes) -> bytes:
    """Write a MADT of these entries."""
    return table(b"APIC", struct.pack("<II", 0xFEE00000, 1) + b"".join(entries))


def root_pointer(rsdt: int, xsdt: int = 0, revision: int = 0) -> bytes:
    """Write ACPI's root pointer (5.2.5.3)."""
    first = checksummed(struct.pack("<8sB6sBI", b"RSD PTR ", 0, b"TESTS ", revision, rsdt), 8)
    return checksummed(first + struct.pack("<IQB3x", 36, xsdt, 0), 32)


TABLES = 0x3000000  # where acpi() puts them


def acpi(processors: bytes) -> list[Region]:
    """Lay out ACPI's tables in memory as a BIOS does; `processors` is the MADT, the last region."""
    rsdt = table(b"RSDT", struct.pack("<2I", TABLES + 0x2000, TABLES + 0x1000))
    bios = bytearray(0x20000)
    bios[0x400 : 0x400 + 36] = root_pointer(TABLES)
    return [
        Region(0x40E, bytes(2)),  # no EBDA
        Region(0xE0000, bytes(bios)),
        Region(TABLES, rsdt),
        Region(TABLES + 0x2000, table(b"FACP", b"")),
        Region(TABLES + 0x1000, processors),
    ]


INFO, LIST, MAP = 0x2000, 0x2100, 0x2200
MODULES = ROOM_END + PAGE


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file as the loader put it into memory."""

    content: bytes
    address: int


def in_a_row(*files: bytes) -> list[Loaded]:
    """Give files the addresses that a loader would: one after the other, each on a page."""
    loaded, at = [], MODULES
    for file in files:
        loaded.append(Loaded(file, at))
        at += -(-len(file) // PAGE) * PAGE
    return loaded


def map_entry(start: int, end: int, kind: int = 1, more: bytes = b"") -> bytes:
    """Write an entry of the loader's map of memory; kind 1 is memory."""
    return struct.pack("<IQQI", 20 + len(more), start, end - start, kind) + more


def loader_memory(modules: Sequence[Loaded], **info: int) -> list[Region]:
    """Lay out what a multiboot loader leaves: its information, then the modules (from the third
    region on); `info` replaces fields of that name.
    """
    memory_map = map_entry(0, 0x9F000) + map_entry(0x100000, 0x20000000)
    fields = {
        **{"flags": 0x49, "lower": 636, "upper": 0x7FC00, "device": 0, "line": 0},
        **{"count": len(modules), "list": LIST, "s0": 0, "s1": 0, "s2": 0, "s3": 0},
        **{"map_size": len(memory_map), "map": MAP, "d0": 0, "d1": 0, "config": 0, "name": 0},
    } | info
    entries = [
        struct.pack("<4I", each.address, each.address + len(each.content), 0, 0) for each in modules
    ]
    return [
        Region(INFO, struct.pack("<17I", *fields.values())),
        Region(LIST, b"".join(entries)),
        Region(MAP, memory_map),
        *(Region(each.address, each.content) for each in modules),
    ]


def has_block(
    pieces: Sequence[tuple[int, int]], block: int, files: Sequence[tuple[int, int]]
) -> bool:
    """Whether an aligned block lies in one of these pieces, behind the shim, without a file."""
    return any(
        max(start, LOW_END) <= at
        and at + block <= end
        and all(last <= at or at + block <= first for first, last in files)
        for start, end in pieces
        for at in range(0, end, block)
    )
