"""What a kernel takes of memory, read from its ELF headers and notes.

The notes are those of Xen's public/elfnote.h.
"""

from collections.abc import Sequence

from shimtool.model import KernelRoom
from shimtool.payload.kernel.elf import Header, Segment
from shimtool.payload.kernel.notes import (
    INIT_P2M,
    MOD_START_PFN,
    PADDR_OFFSET,
    VIRT_BASE,
    XenNotes,
)


def room(
    header: Header, segments: Sequence[Segment], notes: XenNotes, declared: int | None
) -> KernelRoom:
    """Return what a kernel with these segments takes; `declared` is how long it says its image is.

    A bzImage's does, and has more behind the ELF file's end (its relocations).
    """
    end = max((each.address + each.memory_size for each in segments), default=0)
    return KernelRoom(
        image=max(declared or 0, _file_size(header, segments)),
        loaded=max(0, end - _address_offset(notes)),
        maps_ramdisk=not notes.number(MOD_START_PFN),
        maps_page_list=notes.number(INIT_P2M) is None,
    )


def _file_size(header: Header, segments: Sequence[Segment]) -> int:
    """Return how long the ELF file is: its sections' table, or what a segment loads, ends it.

    Of a compressed one nothing else tells it without unpacking it all.
    """
    table, step, count = header.sections
    return max(table + step * count, *(each.offset + each.size for each in segments), 0)


def _address_offset(notes: XenNotes) -> int:
    """Return the physical address that stands for the start of virtual memory."""
    offset = notes.number(PADDR_OFFSET)
    if offset is None:
        offset = notes.number(VIRT_BASE) if notes.legacy else 0
    return offset or 0
