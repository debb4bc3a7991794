"""What works after conversion but changes: the warnings of each guest."""

import re

from shimtool.dom0.keys import TABLE, Fate
from shimtool.model import (
    BootImage,
    Caution,
    Concern,
    Guest,
    Host,
    KernelBoot,
    Memory,
    Mode,
    Payload,
)
from shimtool.plan import disks, pvgrub
from shimtool.plan.hosting import host_warnings
from shimtool.plan.hvm import pins_vcpus
from shimtool.plan.memory import LARGE_KERNEL

# NR_CPUS in Xen's own pvshim_defconfig; seen too: "Dom1 has maximum 32 VCPUs" where 128 are listed.
_SHIM_VCPUS = 32

# Linux 2.6.26, where every 32-bit disk driver writes "protocol" by itself (libxl's own comment).
_TELLS_PROTOCOL = 26


def warnings(
    guest: Guest, image: BootImage, memory: Memory, host: Host, mode: Mode
) -> tuple[Caution, ...]:
    """List what the admin should know before the guest is started again."""
    payload = image.payload
    from_dom0 = isinstance(guest.boot, KernelBoot) and mode is Mode.HVM
    again = ["after a kernel upgrade in dom0 run shimtool convert again"] if from_dom0 else []
    found = (
        (Concern.MEMORY, _memory(guest, memory)),
        (Concern.VCPUS, _vcpus(guest, image)),
        (Concern.OVERLOOKED, _overlooked(guest)),
        (Concern.KEY, _keys(guest, mode)),
        (Concern.DISK, disks.warnings(guest, mode)),
        (Concern.KERNEL, _protocol(guest, payload)),
        (Concern.BOOT_LOADER, pvgrub.warnings(guest, payload)),
        (Concern.KERNEL_UPGRADE, again),
        (Concern.HOST, host_warnings(host, image.shim, mode)),
    )
    return tuple(Caution(concern, text) for concern, texts in found for text in texts)


def _memory(guest: Guest, memory: Memory) -> list[str]:
    found = [text] if (text := _too_little(guest, memory)) else []
    if guest.maxmem > guest.memory:
        most = guest.words.given("maxmem", guest.maxmem, "MiB")
        found.append(f"{most} becomes {memory.container}: memory cannot be raised above that")
    return found


def _too_little(guest: Guest, memory: Memory) -> str | None:
    """Warn of too little memory, and where that is why it was raised beyond the shim's share."""
    given = guest.words.given("memory", guest.memory, "MiB")
    size, needed = memory.container, memory.needed
    if needed is not None and size == needed > guest.memory:
        return (
            f"{given} becomes {size}: the shim needs as much to start this kernel; with --memory"
            " keep it stays, and the guest does not start"
        )
    if needed is None and size < LARGE_KERNEL:
        why = f"may be too little: a shim needs up to {LARGE_KERNEL} MB to start a large kernel"
    elif needed is not None and size < needed:
        why = f"is too little: the shim needs {needed} MB to start this kernel"
    else:
        return None
    return (
        f"{given} {why}; should it say 'Not enough RAM for domain 0 allocation', raise"
        f" {guest.written('memory')}"
    )


def _vcpus(guest: Guest, image: BootImage) -> list[str]:
    given, found = guest.words.given, []
    if guest.maxvcpus > guest.vcpus:
        most = given("maxvcpus", guest.maxvcpus)
        becomes = f" becomes {guest.vcpus}" if pins_vcpus(guest, image) else ""
        found.append(f"{most}{becomes}: vCPUs cannot be added later")
    if guest.vcpus > 1:
        found.append(
            f"{given('vcpus', guest.vcpus)}: with more than one vCPU a guest stops after save and"
            " restore, or live migration (seen with shim 4.17.7): give it one before"
        )
    if guest.vcpus > _SHIM_VCPUS:
        found.append(
            f"{given('vcpus', guest.vcpus)}: a shim gives its guest {_SHIM_VCPUS} at most, unless"
            " it was built for more (its log: 'has maximum N VCPUs')"
        )
    return found


def _overlooked(guest: Guest) -> list[str]:
    return [
        f"{guest.written(key)} {why}: {guest.words.toolstack} goes on without it, before and after"
        for key, why in guest.overlooked.items()
    ]


def _keys(guest: Guest, mode: Mode) -> list[str]:
    """Return what the table of keys has to warn of, for each key that is set."""
    return [
        f"{guest.written(key)} {row.said(guest.words)}"
        for row in TABLE
        if row.message and row.fate(mode) in (Fate.UNTRIED, Fate.DROPPED, Fate.REPLACED)
        for key in row.keys
        if key in guest.non_empty_keys
    ]


def _protocol(guest: Guest, payload: Payload | None) -> list[str]:
    """Warn of old 32-bit kernels, which do not tell a disk's back end that they are 32-bit.

    libxl does that for them, but for PV guests only (4.2-4.21, libxl_disk.c).
    """
    if payload is None:
        return []
    facts = payload.kernel.facts
    found = re.match(r"2\.6\.(\d+)", facts.version or "")
    if facts.bits == 64 or not guest.disks or not found or int(found[1]) >= _TELLS_PROTOCOL:
        return []
    return [
        f"kernel {facts.version} is a 32-bit one older than 2.6.26: some of these find no disks in"
        " a container. If this one does not, leave the guest PV, or give it a newer kernel"
    ]
