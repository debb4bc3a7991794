"""How much memory a guest's container gets.

    what the guest had --+ the shim's share--> memory=, at least what the shim needs to start it

The shim's share of a container is what it keeps for itself, measured (shims/kinds.yaml). To start
the guest's kernel it needs more for a moment: see kernel_start.py.
"""

from collections.abc import Callable

from shimtool.model import (
    Block,
    BootImage,
    ConfigValue,
    Guest,
    Memory,
    MemoryWish,
    Mode,
    Settings,
    Shim,
)
from shimtool.plan import boot_image
from shimtool.plan.kernel_start import KernelStart
from shimtool.shims.kinds import memory_share

MOST_MEMORY = 16 << 20  # MiB: beyond 16 TiB a mistyped number is likelier than such a host

# MiB: to what memory= is raised by itself so that a kernel starts. Debian's with a ramdisk of
# 100 MB needs as much; who controls kernel and ramdisk must not get any amount by their headers.
MOST_RAISED = 512

# MiB: of larger guests nothing is moved, as it goes behind their end, below what devices have.
MOST_MOVED = 1024

# MiB that a guest with a large kernel (Debian 6.1, 66 MB unpacked) needs to start, besides its
# ramdisk; a guess for kernels that are not known, as a boot loader finds them at each start.
LARGE_KERNEL = 384


def memory(guest: Guest, image: BootImage, mode: Mode, settings: Settings) -> Memory:
    """Return what the guest's container gets, and what becomes of it. All in MiB."""
    same, size = settings.memory is MemoryWish.SAME, guest.memory
    if same:
        size = min(with_share(image.shim, size), max(size, MOST_MEMORY))
    start = _start(image, mode)
    if start is None:
        return _memory(image, size, None)
    needed = start.least(size)
    if size < needed and (moved := _moved(guest, image, start, needed, same=same)):
        return moved
    if same and size < needed <= MOST_RAISED:
        size = needed
    return _memory(image, size, needed)


def _start(image: BootImage, mode: Mode) -> KernelStart | None:
    """Return what this kernel needs to start, None where that is not known."""
    payload = image.payload
    if payload is None or payload.kernel.facts.room is None:
        return None
    return KernelStart(image, payload, mode)


def _moved(
    guest: Guest, image: BootImage, start: KernelStart, enough: int, *, same: bool
) -> Memory | None:
    """Return the memory with which the pre-stage makes a block free; None where that is no help.

    With `enough` MiB there would be no need of it.
    """
    size = with_share(image.shim, guest.memory, start.end) if same else guest.memory
    needed = start.least(size, moved=True)
    if same and needed <= MOST_RAISED:
        size = max(size, needed)
    block = Block(start.block(size), enough << 20)
    fits = max(size, needed) < min(enough, MOST_MOVED)
    if not fits or not boot_image.takes_block(image, block) or (same and size < needed):
        return None
    if size < needed:
        return _memory(image, size, needed)
    return _memory(image, size, needed, block, start.end(size))


def _memory(
    image: BootImage, size: int, needed: int | None, block: Block | None = None, end: int = 0
) -> Memory:
    share = memory_share(image.shim, max(size, end))
    return Memory(container=size, guest=max(0, size - share), needed=needed, block=block)


def with_share(shim: Shim, size: int, end: Callable[[int], int] = int) -> int:
    """Return the smallest container whose guest has `size` MiB under this shim.

    `end` tells where a container's memory ends, which is what the share grows with.
    """
    found = size + memory_share(shim, end(size))
    while found - memory_share(shim, end(found)) < size:
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
