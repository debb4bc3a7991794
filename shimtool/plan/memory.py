"""How much memory a guest's container gets.

    what the guest had --+ the shim's share--> memory=, at least what the shim needs to start it

The shim's share of a container is what it keeps for itself, measured (shims/kinds.yaml). To start
the guest's kernel it needs more for a moment: see kernel_start.py.
"""

from collections.abc import Callable
from dataclasses import replace

from shimtool.dom0 import facts
from shimtool.model import (
    Block,
    BootImage,
    ConfigValue,
    Guest,
    Host,
    Memory,
    MemoryWish,
    Mode,
    Settings,
    Shim,
    Syntax,
)
from shimtool.plan import boot_image
from shimtool.plan.kernel_start import KernelStart
from shimtool.shims.kinds import memory_share

MOST_MEMORY = 16 << 20  # MiB: beyond 16 TiB a mistyped number is likelier than such a host

# MiB: to what memory= is raised by itself so that a kernel starts; below, there is a warning where
# the kernel is not known. Debian's with a ramdisk of 100 MB needs as much; who controls kernel and
# ramdisk must not get any amount by their headers.
MOST_RAISED = 512

# MiB: of larger guests nothing is moved, as it goes behind their end, below what devices have.
MOST_MOVED = 1024

# MiB that an HVM guest without <video> loses to a VGA card (which our device-model script leaves
# out) under libvirt before 6.4.0 (its libxl_conf.c; xl is told vga="none"). That is from June 2020:
# distributions with Xen 4.14, of July 2020, have a later one.
_LIBVIRTS_VIDEO = 8
_WITHOUT_VIDEO = (4, 14)


def memory(guest: Guest, image: BootImage, host: Host, mode: Mode, settings: Settings) -> Memory:
    """Return what the guest's container gets, and what becomes of it. All in MiB."""
    same = settings.memory is MemoryWish.SAME
    video = _video(guest, host, mode)
    had = guest.memory if same else guest.memory - video
    found = _without_video(had, image, host, mode, same=same)
    needed = None if found.needed is None else found.needed + video
    return replace(found, container=found.container + video, needed=needed, video=video)


def _video(guest: Guest, host: Host, mode: Mode) -> int:
    old = host.xen is None or host.xen[:2] < _WITHOUT_VIDEO
    has_video = guest.syntax is Syntax.LIBVIRT and mode is Mode.HVM and old
    return min(_LIBVIRTS_VIDEO, guest.memory) if has_video else 0


def _without_video(had: int, image: BootImage, host: Host, mode: Mode, *, same: bool) -> Memory:
    """As above, of a guest that `had` so much; `same`: its container may have more.

    A guest too small for its kernel is raised to what that needs, or, where that was seen to work,
    or raising is not wanted or not enough, the pre-stage makes room in what it has.
    """
    size = min(with_share(image.shim, had), max(had, MOST_MEMORY)) if same else had
    start = _start(image, mode)
    if start is None:
        return _memory(image, size, None)
    needed = start.least(size)
    if size >= needed:
        return _memory(image, size, needed)
    can_raise = same and needed <= MOST_RAISED
    tries = facts.may_move_memory(host) or not can_raise
    moved = _moved(had, image, start, needed, same=same) if tries else None
    return moved or _memory(image, needed if can_raise else size, needed, raised=can_raise)


def _start(image: BootImage, mode: Mode) -> KernelStart | None:
    """Return what this kernel needs to start, None where that is not known."""
    payload = image.payload
    if payload is None or payload.kernel.facts.room is None:
        return None
    return KernelStart(image, payload, mode)


def _moved(
    had: int, image: BootImage, start: KernelStart, enough: int, *, same: bool
) -> Memory | None:
    """Return the memory with which the pre-stage makes a block free; None where that is no help.

    With `enough` MiB there would be no need of it.
    """
    size = with_share(image.shim, had, start.end) if same else had
    needed = start.least(size, moved=True)
    raised = same and size < needed <= MOST_RAISED
    if raised:
        size = needed
    block = Block(start.block(size), enough << 20)
    fits = max(size, needed) < min(enough, MOST_MOVED)
    if not fits or not boot_image.takes_block(image, block) or (same and size < needed):
        return None
    if size < needed:
        return _memory(image, size, needed)
    found = _memory(image, size, needed, raised=raised, end=start.end(size))
    return replace(found, block=block)


def _memory(
    image: BootImage, size: int, needed: int | None, *, raised: bool = False, end: int = 0
) -> Memory:
    share = memory_share(image.shim, max(size, end))
    return Memory(container=size, guest=max(0, size - share), needed=needed, raised=raised)


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
