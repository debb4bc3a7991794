"""What a kernel tells Xen: ELF notes named "Xen", or the older __xen_guest string.

Numbers and keys are those of Xen's public headers (xen/include/public/elfnote.h); the order of
looking (note segments, note sections, __xen_guest) and the tests are libelf's, Xen 3.1 to 4.21.
"""

import struct
from collections.abc import Iterator, Mapping

from shimtool.deferred import dataclass
from shimtool.payload.kernel import elf
from shimtool.payload.kernel.bounded_reader import DamagedError

ENTRY, VIRT_BASE, PADDR_OFFSET, XEN_VERSION, GUEST_OS, GUEST_VERSION, LOADER = 1, 3, 4, 5, 6, 7, 8
INIT_P2M, MOD_START_PFN, PHYS32_ENTRY = 15, 16, 18

_LEGACY_KEYS = {
    "VIRT_ENTRY": ENTRY,
    "VIRT_BASE": VIRT_BASE,
    "PADDR_OFFSET": PADDR_OFFSET,
    "XEN_VER": XEN_VERSION,
    "GUEST_OS": GUEST_OS,
    "GUEST_VER": GUEST_VERSION,
    "LOADER": LOADER,
}


@dataclass(frozen=True, slots=True)
class XenNotes:
    """Values by note type; `legacy` when they come from __xen_guest."""

    values: Mapping[int, bytes]
    legacy: bool = False

    def text(self, kind: int) -> str | None:
        """Return a string note without its trailing zero; None when absent or empty."""
        value = self.values.get(kind, b"").split(b"\0")[0]
        return value.decode("ascii", "backslashreplace") or None

    def number(self, kind: int) -> int | None:
        """Return a number; None when absent. __xen_guest has it as text."""
        value = self.values.get(kind)
        if value is None:
            return None
        return _from_text(value) if self.legacy else int.from_bytes(value[:8], "little")

    @property
    def pv(self) -> bool:
        """Whether Xen would start this as a PV guest.

        Xen wants loader "generic" or guest "linux", and Xen version "xen-3.0". Where ENTRY is
        missing it takes the ELF entry point, and so do Mini-OS and pv-grub; Linux's ELF entry
        is the bare-metal one, so there ENTRY is what CONFIG_XEN_PV adds.
        """
        system = self.text(GUEST_OS) or ""
        linux = system.startswith("linux")
        if not (linux or (self.text(LOADER) or "").startswith("generic")):
            return False
        if not (self.text(XEN_VERSION) or "").startswith("xen-3.0"):
            return False
        if self.legacy or ENTRY in self.values:
            return True
        return not linux and PHYS32_ENTRY not in self.values


def read_notes(image: elf.Image, header: elf.Header) -> XenNotes:
    """Find what a kernel tells Xen; empty when it tells nothing.

    Raises bounded_reader.DamagedError or EOFError when the ELF's own tables are broken.
    """
    if values := _collect(image, elf.note_segments(image, header)):
        return XenNotes(values)
    found = elf.sections(image, header)
    if values := _collect(image, elf.note_sections(found)):
        return XenNotes(values)
    guest = elf.named(image, header, found, b"__xen_guest")
    if guest is None:
        return XenNotes({})
    return XenNotes(_legacy(elf.piece(image, guest.offset, guest.size)), legacy=True)


def _collect(image: elf.Image, places: list[tuple[int, int]]) -> dict[int, bytes]:
    if sum(size for _, size in places) > elf.PIECE_LIMIT:
        raise DamagedError("an ELF image with megabytes of notes")
    return {
        kind: value
        for offset, size in places
        for name, kind, value in _walk(elf.piece(image, offset, size))
        if name == b"Xen\0"
    }


def _walk(raw: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    """Give (name, type, value) of each note; names and values are padded to 4 bytes."""
    at = 0
    while at + 12 <= len(raw):
        name_size, size, kind = struct.unpack_from("<III", raw, at)
        value_at = at + 12 + _padded(name_size)
        if value_at + size > len(raw):
            return
        yield raw[at + 12 : at + 12 + name_size], kind, raw[value_at : value_at + size]
        at = value_at + _padded(size)


def _from_text(value: bytes) -> int | None:
    try:
        return int(value[:18], 0)
    except ValueError:
        return None


def _padded(size: int) -> int:
    return (size + 3) & ~3


def _legacy(raw: bytes) -> dict[int, bytes]:
    """Read `KEY=value,KEY=value`, as XenLinux 2.6.18 and old Mini-OS have it."""
    words = raw.split(b"\0")[0].decode("ascii", "backslashreplace").split(",")
    pairs = (word.partition("=") for word in words)
    return {_LEGACY_KEYS[key]: value.encode() for key, _, value in pairs if key in _LEGACY_KEYS}
