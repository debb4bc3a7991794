"""What will not be as before for a guest: a few words for `scan`, sentences for `plan`.

What holds for every guest under a shim is in the manual (shimtool-how-it-works).
"""

import re
from collections.abc import Iterator

from shimtool.dom0 import facts
from shimtool.dom0.keys import TABLE, Fate
from shimtool.model import (
    BootImage,
    BootloaderBoot,
    Concern,
    Difference,
    Guest,
    Host,
    Memory,
    Mode,
    Syntax,
)
from shimtool.plan.bootloader import is_pygrub, options
from shimtool.plan.hvm import pins_vcpus
from shimtool.plan.memory import MOST_RAISED

# NR_CPUS in Xen's own pvshim_defconfig; seen too: "Dom1 has maximum 32 VCPUs" where 128 are listed.
_SHIM_VCPUS = 32
_VCPU_SET = " (xl vcpu-set NAME 1)"
# Words that take PV spinlocks from a kernel, and the Linux that knows them: from, and before. Its
# log: "nopvspin" came in July 2020, "xen_nopvspin" was removed in July 2024.
_NO_PV_SPINLOCKS = {"nopvspin": ((5, 9), (99, 0)), "xen_nopvspin": ((0, 0), (6, 11))}


def differences(
    guest: Guest, image: BootImage, memory: Memory, host: Host, mode: Mode
) -> tuple[Difference, ...]:
    """List what differs, what costs most first."""
    return (
        *_too_little(guest, memory),
        *_memory(guest, memory, host),
        *_kernel(guest, image, memory, mode),
        *_vcpus(guest, image),
        *_lost(guest, mode),
    )


def _too_little(guest: Guest, memory: Memory) -> Iterator[Difference]:
    """Tell of memory with which the guest does not start, or may not."""
    size, needed = memory.container, memory.needed
    if needed is None and size < MOST_RAISED:
        short = "may be too small"
        why = f"may be too little: a shim needs up to {MOST_RAISED} MB to start a large kernel"
        if isinstance(guest.boot, BootloaderBoot) and is_pygrub(guest.boot):
            why += " (shimtool plan --extract reads on its disk how much it is)"
    elif needed is not None and size < needed:
        short, why = "too small", f"is too little: the shim needs {needed} MB to start this kernel"
    else:
        return
    text = (
        f"{guest.words.given('memory', guest.memory, 'MiB')} {why}; should it say 'Not enough RAM"
        f" for domain 0 allocation', raise {guest.written('memory')}"
    )
    yield Difference(Concern.MEMORY, short, text)


def _memory(guest: Guest, memory: Memory, host: Host) -> Iterator[Difference]:
    takes = "the shim takes"
    if memory.video:
        takes = f"the shim and libvirt's video memory ({memory.video} MB) take"
    more, less = memory.container - guest.memory, guest.memory - memory.guest
    becomes = f"{guest.words.given('memory', guest.memory, 'MiB')} becomes {memory.container}"
    if more > 0 and memory.raised:
        text = f"{becomes}: the shim needs as much to start this kernel"
        yield Difference(Concern.MEMORY, f"memory +{more} MB", text)
    elif more > 0:
        text = f"{becomes}: the host gives {more} MB more, which {takes}"
        yield Difference(Concern.MEMORY, f"memory +{more} MB", text, warns=False)
    if memory.block is not None:
        seen = facts.may_move_memory(host)
        text = (
            "the pre-stage moves memory so that this kernel starts"
            f"{'' if seen else ', which was not tried on this Xen'}: most of the guest's is then in"
            " pages of 4 KB for the processor, which may cost a little speed"
        )
        yield Difference(Concern.MEMORY, "small pages", text, warns=not seen)
    if less > 0:
        text = f"the guest has {less} MB less than before: {takes} them"
        yield Difference(Concern.MEMORY, f"guest -{less} MB", text, warns=False)
    if guest.maxmem > guest.memory:
        most = guest.words.given("maxmem", guest.maxmem, "MiB")
        text = f"{most} becomes {memory.container}: memory cannot be raised above that"
        yield Difference(Concern.MEMORY, "maxmem fixed", text)


def _kernel(guest: Guest, image: BootImage, memory: Memory, mode: Mode) -> Iterator[Difference]:
    """Tell what finds the kernel now; plan/pvgrub.py warns of what else comes of it."""
    payload = image.payload
    if payload is None:
        return
    if payload.extracted is not None:
        text = "it boots a copy of its kernel: after an upgrade inside the guest convert again"
        yield Difference(Concern.KERNEL, "frozen kernel", text, warns=False)
    elif isinstance(guest.boot, BootloaderBoot):
        text = "PV GRUB, in place of its boot loader, finds its kernel at each start"
        yield Difference(Concern.BOOT_LOADER, "PV GRUB", text, warns=False)
    elif mode is Mode.HVM:
        text = "after a kernel upgrade in dom0 run shimtool convert again"
        yield Difference(Concern.KERNEL_UPGRADE, "kernel on ISO", text)
    elif memory.raised:
        text = (
            f"{guest.written('memory')} is what this kernel and ramdisk need: after an upgrade of"
            " them in dom0 run shimtool convert again"
        )
        yield Difference(Concern.KERNEL_UPGRADE, "memory for this kernel", text)


def _vcpus(guest: Guest, image: BootImage) -> Iterator[Difference]:
    given = guest.words.given
    if guest.maxvcpus > guest.vcpus:
        becomes = f" becomes {guest.vcpus}" if pins_vcpus(guest, image) else ""
        text = f"{given('maxvcpus', guest.maxvcpus)}{becomes}: vCPUs cannot be added later"
        yield Difference(Concern.VCPUS, "maxvcpus fixed", text)
    if guest.vcpus > 1 and not _without_pv_spinlocks(guest, image):
        text = (
            f"{given('vcpus', guest.vcpus)}: with more than one vCPU a guest stops after save and"
            " restore (seen with shims 4.14, 4.17 and 4.20) or live migration (seen with 4.17),"
            " unless nopvspin (Linux 5.9 and later) or xen_nopvspin (before 6.11) is in its"
            " kernel's command line (seen with Linux 6.1): else give it one before"
            f"{_VCPU_SET if guest.syntax is not Syntax.LIBVIRT else ''}, and no other until it is"
            " started anew"
        )
        yield Difference(Concern.VCPUS, "migrates with 1 vCPU", text)
    if guest.vcpus > _SHIM_VCPUS:
        text = (
            f"{given('vcpus', guest.vcpus)}: a shim gives its guest {_SHIM_VCPUS} at most, unless"
            " it was built for more (its log: 'has maximum N VCPUs')"
        )
        yield Difference(Concern.VCPUS, f"{_SHIM_VCPUS} vCPUs", text)


def _without_pv_spinlocks(guest: Guest, image: BootImage) -> bool:
    """Whether the guest's kernel is told so, in words that it knows.

    Where its version is not known, both words are needed.
    """
    words = _line(guest, image).split()
    told = set(words[: words.index("--")] if "--" in words else words)
    version = _linux(image)
    if version is None:
        return told >= _NO_PV_SPINLOCKS.keys()
    known = _NO_PV_SPINLOCKS.items()
    return any(word in told and first <= version < end for word, (first, end) in known)


def _line(guest: Guest, image: BootImage) -> str:
    """Return the kernel's command line, or of a boot loader's what the config has it add."""
    extracted = image.payload is not None and image.payload.extracted is not None
    if isinstance(guest.boot, BootloaderBoot) and not extracted:
        asked, _refused = options(guest, guest.boot)
        return asked.arguments
    return image.command_line


def _linux(image: BootImage) -> tuple[int, int] | None:
    facts = image.payload.kernel.facts if image.payload is not None else None
    if facts is None or facts.guest_os != "linux":
        return None
    found = re.match(r"(\d{1,4})\.(\d{1,4})", facts.version or "")
    return (int(found[1]), int(found[2])) if found else None


def _lost(guest: Guest, mode: Mode) -> Iterator[Difference]:
    """Yield the keys that the new config goes without."""
    for row in TABLE:
        for key in row.keys if row.message and row.fate(mode) is Fate.DROPPED else ():
            if key in guest.non_empty_keys:
                text = f"{guest.written(key)} {row.said(guest.words)}"
                yield Difference(Concern.KEY, f"no {guest.words.name(key)}", text)
