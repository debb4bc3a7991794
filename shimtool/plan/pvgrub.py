"""PV GRUB in pygrub's place: what it is asked for, what it cannot do, and what changes with it."""

import re
from typing import Literal

from shimtool.deferred import regex
from shimtool.errors import Fault
from shimtool.model import BootloaderBoot, Compression, Guest, Payload, PvGrub, PvGrubRequest
from shimtool.plan.bootloader import IT_STAYS, is_pygrub, options

# What container/pvgrub/guest holds of a request, and a PV guest's start_info of a line (without
# the final zero; Xen's public/xen.h). Bytes.
ROOM = 8176
_MOST_WORDS = 1023

# What GRUB's loader for Xen unpacks, by its filters (gzio, xzio, lzopio).
_UNPACKS = (Compression.NONE, Compression.GZIP, Compression.XZ, Compression.LZO)

_VDEV = regex("[a-zA-Z0-9]{1,32}", re.ASCII)


def request(guest: Guest, boot: BootloaderBoot) -> PvGrubRequest:
    """Return what PV GRUB is asked for, so that it does as pygrub would."""
    asked, _refused = options(guest, boot)
    return PvGrubRequest(
        words=asked.arguments,
        kernel=_path_inside(asked.kernel),
        ramdisk=_path_inside(asked.ramdisk) if asked.kernel else "",  # pygrub: only together
        disks=tuple(disk.vdev for disk in guest.disks if _VDEV.fullmatch(disk.vdev)),
    )


def _path_inside(path: str | None) -> str:
    return f"/{path.lstrip('/')}" if path else ""


def ignored_options(guest: Guest, boot: BootloaderBoot) -> list[str]:
    """Name the options of bootloader_args= that PV GRUB would ignore.

    GRUB counts entries in its own way (submenus, branches of an if), and knows no offsets.
    """
    asked, _refused = options(guest, boot)
    values = {"--entry": asked.entry, "--offset": asked.offset}
    return [name for name, value in values.items() if value is not None]


def cannot_start(compression: Compression, unread_features: tuple[str, ...]) -> str:
    """Say why PV GRUB does not start a kernel packed so, from an ext4 with such features; or ""."""
    if compression not in _UNPACKS:
        return f"PV GRUB cannot unpack a kernel that is packed with {compression}"
    if unread_features:
        return f"PV GRUB cannot read an ext4 with {', '.join(unread_features)}"
    return ""


def of_width(bits: Literal[32, 64]) -> PvGrub:
    """Return the PV GRUB that starts kernels of that width."""
    return PvGrub.I386 if bits == 32 else PvGrub.X86_64


# --- Why not --------------------------------------------------------------------------------------


def payload_faults(guest: Guest, payload: Payload) -> list[Fault]:
    """List the reasons that lie in PV GRUB, where it takes pygrub's place."""
    boot = guest.boot
    if not isinstance(boot, BootloaderBoot) or payload.extracted is not None:
        return []
    if not is_pygrub(boot):
        return []  # nothing can take its place: bootloader.faults() says so
    return faults(guest, boot)


def faults(guest: Guest, boot: BootloaderBoot) -> list[Fault]:
    """List the settings that PV GRUB cannot honour: without them another kernel could boot."""
    ignored = ignored_options(guest, boot)
    found = [_ignored(guest, boot, " and ".join(ignored))] if ignored else []
    return [*found, *_unsayable(guest, request(guest, boot))]


def _ignored(guest: Guest, boot: BootloaderBoot, names: str) -> Fault:
    why = ", as it counts boot entries in its own way" if "--entry" in names else ""
    return guest.fault(
        "bootloader_args",
        f"PV GRUB cannot honour {names}{why}",
        " ".join(boot.arguments),
        guest.words.or_pvh(
            "let shimtool read the guest's disk (run it as root on dom0, or --map the disk;"
            f" --extract), or choose the entry in the guest's own menu and remove {names} here",
            IT_STAYS,
        ),
    )


def _unsayable(guest: Guest, asked: PvGrubRequest) -> list[Fault]:
    """List what does not fit into a request."""
    words = asked.words.encode(errors="surrogateescape")
    texts = (asked.words, asked.kernel, asked.ramdisk, *asked.disks)
    room = sum(len(text.encode(errors="surrogateescape")) + 1 for text in texts) <= ROOM
    wrong = {
        f"is {len(words)} bytes long, and a PV guest gets {_MOST_WORDS}": len(words) > _MOST_WORDS,
        "holds '\\x00', which ends it": any("\0" in text for text in texts),
        "and the paths beside it are too long for PV GRUB": not room,
    }
    key = next(
        (key for key in ("cmdline", "extra", "root") if key in guest.keys), "bootloader_args"
    )
    return [
        guest.fault(key, f"the kernel command line {what}", asked.words, "shorten it")
        for what, is_so in wrong.items()
        if is_so
    ][:1]


# --- What changes ---------------------------------------------------------------------------------


def warnings(guest: Guest, payload: Payload | None) -> list[str]:
    """What changes for a guest whose boot loader ran in dom0."""
    if not isinstance(guest.boot, BootloaderBoot) or payload is None:
        return []
    if payload.extracted is None:
        return [_unseen(payload)] if payload.unseen else []
    why = payload.extracted.because
    found = [
        f"boots a copy of {payload.kernel.file.dom0_path}, no longer what its disk holds"
        f"{f' ({why})' if why else ''}: after a kernel upgrade inside the guest run shimtool"
        " convert again"
    ]
    if not payload.extracted.cleanly_unmounted:
        found.append(
            f"{payload.extracted.disk} may be in use, and what was read of it half-written: shut"
            " the guest down first, then convert again"
        )
    return found


def _unseen(payload: Payload) -> str:
    bits = payload.kernel.facts.bits
    other, option = (32, "i386") if bits == 64 else (64, "x86_64")
    return (
        f"PV GRUB, in place of pygrub, is the {bits}-bit one: a guest with a {other}-bit kernel"
        f" does not start from it (say --pvgrub {option}), nor one whose kernel is packed with"
        " lz4 or zstd (Ubuntu from 19.10, Fedora, Debian 13) or lies on an ext4 with inline_data,"
        f" casefold, ea_inode or bigalloc (say --extract). {payload.unseen}"
    )
