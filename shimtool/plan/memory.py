"""How much memory a guest's container gets.

    what the guest had --+ the shim's share--> memory=, at least what the shim needs to start it

The shim's share of a container is what it keeps for itself, measured (shims/kinds.yaml). To start
the guest's kernel it needs more for a moment: one block, a power of two in size and aligned to it,
that holds the unpacked kernel, besides itself and kernel and ramdisk as they were loaded ("Not
enough RAM for domain 0 allocation"). What a shim 4.17 did with Debian's kernels, some MiB more
and less, agrees: see kinds.yaml.
"""

from shimtool.model import (
    BootImage,
    Compression,
    ConfigValue,
    Guest,
    Kernel,
    Memory,
    MemoryWish,
    Mode,
    Payload,
    Ramdisk,
    Settings,
    Shim,
    Wrapping,
)
from shimtool.shims.kinds import memory_share

MOST_MEMORY = 16 << 20  # MiB: beyond 16 TiB a mistyped number is likelier than such a host

_PAGE = 4 << 10
_MIB = 1 << 20
_LARGE_PAGE = 2 * _MIB
_ALIGNED = 4 * _MIB  # the end of what Xen maps for a PV kernel at its start
_PADDING = 512 << 10  # of it at least, behind everything
_STEPS = 8  # towards a size that holds a list of its own pages

# MiB: to what memory= is raised by itself so that a kernel starts. Debian's with a ramdisk of
# 100 MB needs as much; who controls kernel and ramdisk must not get any amount by their headers.
MOST_RAISED = 512

# MiB that a guest with a large kernel (Debian 6.1, 66 MB unpacked) needs to start, besides its
# ramdisk; a guess for kernels that are not known, as a boot loader finds them at each start.
LARGE_KERNEL = 384


def memory(guest: Guest, image: BootImage, mode: Mode, settings: Settings) -> Memory:
    """Return what the guest's container gets, and what becomes of it. All in MiB."""
    size = guest.memory
    if settings.memory is MemoryWish.SAME:
        size = min(with_share(image.shim, guest.memory), max(guest.memory, MOST_MEMORY))
        needed = _started_with(image, mode, size)
        if needed is not None and size < needed <= MOST_RAISED:
            size = needed
    return Memory(
        container=size,
        guest=max(0, size - memory_share(image.shim, size)),
        needed=_started_with(image, mode, size),
    )


def with_share(shim: Shim, size: int) -> int:
    """Return the smallest container whose guest has `size` MiB under this shim."""
    found = size + memory_share(shim, size)
    while found - memory_share(shim, found) < size:
        found += 1
    return found


def settings_of(guest: Guest, planned: Memory) -> list[tuple[str, ConfigValue]]:
    """Return memory and maxmem where they change.

    maxmem becomes what the guest starts with: memory above that is populated on demand, so the
    guest sees more than there is, and may run out of it.
    """
    size = planned.container
    new: list[tuple[str, ConfigValue]] = []
    if size != guest.memory and ("memory" in guest.keys or "maxmem" not in guest.keys):
        new.append(("memory", size))
    more = guest.maxmem > guest.memory
    if more or (size != guest.memory and "maxmem" in guest.keys):
        new.append(("maxmem", size))
    return new


def _started_with(image: BootImage, mode: Mode, size: int) -> int | None:
    """Return with how many MiB this kernel starts; None where it is not known.

    At least as few as `size`, if that is enough: some kernels want a list of all pages.
    """
    payload = image.payload
    if payload is None or payload.kernel.facts.room is None:
        return None
    found = size
    for _ in range(_STEPS):
        needed = _needed(image, payload, mode, found)
        if needed <= found:
            break
        found = needed
    return _needed(image, payload, mode, found)


def _needed(image: BootImage, payload: Payload, mode: Mode, size: int) -> int:
    """Return how many MiB a container must have at least, were it for a list of `size` MiB's pages.

    The memory that the shim may take begins at 0, so that the first block of B bytes that nothing
    lies in ends at 2 B. Of the container's two pages are Xen's, and half a large page is not used.
    """
    block = _power_of_two(_mapped(payload, mode, size))
    loaded = _pages(_kernel_size(payload.kernel, unpack=image.unpack, mode=mode)) + _pages(
        _ramdisk_size(payload.ramdisk, mode)
    )
    total = -(-(2 * block + loaded) // _MIB) + memory_share(image.shim, size)
    return total + 1 + total % 2


def _mapped(payload: Payload, mode: Mode, size: int) -> int:
    """Return the bytes of what Xen maps for the kernel to start with, from v_start to v_end.

    What follows the kernel: start_info, two pages, page tables (a few too many here) and stack.
    """
    facts = payload.kernel.facts
    assert facts.room is not None  # noqa: S101 - _started_with() has looked
    end = _pages(facts.room.loaded)
    if facts.room.maps_ramdisk:
        end += _pages(_ramdisk_size(payload.ramdisk, mode))
    if facts.room.maps_page_list:
        end += _pages(size * _MIB // _PAGE * facts.bits // 8)
    tables = end // _LARGE_PAGE + 16
    end += (4 + tables) * _PAGE
    aligned = -(-end // _ALIGNED) * _ALIGNED
    return aligned if aligned - end >= _PADDING else aligned + _ALIGNED


def _kernel_size(kernel: Kernel, *, unpack: bool, mode: Mode) -> int:
    """Return the bytes of the kernel's file in memory, with the room that it unpacks into."""
    facts, size = kernel.facts, kernel.file.size
    assert facts.room is not None  # noqa: S101 - as above
    packed = facts.compression
    if packed is Compression.NONE:
        return size
    unzipped = mode is Mode.PVH and packed is Compression.GZIP  # by xl, as it loads it
    if unpack or (unzipped and facts.wrapping is Wrapping.COMPRESSED_ELF):
        return facts.room.image
    if packed is Compression.GZIP:
        return size + facts.room.image + (facts.room.image >> 12) + 32786
    return size + facts.room.image + facts.payload[1]


def _ramdisk_size(ramdisk: Ramdisk | None, mode: Mode) -> int:
    """Return the bytes of the ramdisk in memory; for a PVH guest xl unzips it."""
    if ramdisk is None:
        return 0
    unzipped = ramdisk.unzipped if mode is Mode.PVH else None
    return max(ramdisk.file.size, unzipped or 0)


def _pages(size: int) -> int:
    """Round up to whole pages; what a hostile file says may be less than nothing."""
    return -(-max(0, size) // _PAGE) * _PAGE


def _power_of_two(size: int) -> int:
    return 1 << (size - 1).bit_length()
