"""The guest kernel's command line: joined as xl joins it, passed byte for byte or refused."""

import re
from collections.abc import Iterator
from enum import Enum, auto

from shimtool.errors import Fault, Location
from shimtool.model import BootloaderBoot, Guest, Payload
from shimtool.plan.bootloader import xl_command_line

# What a PV guest's start_info holds without its final zero (public/xen.h, MAX_GUEST_CMDLINE).
MOST = 1023  # bytes

# Name of the kernel's file in an ISO without the pre-stage. mboot.c32 puts it before the line; a
# shim that has no use for the pre-stage takes it off again, and Linux would take no notice of it.
LOADER_KERNEL_FILE = "BOOT_IMAGE=linux"
_LOADER_MOST = MOST - len(f"{LOADER_KERNEL_FILE} ")

# ISOLINUX takes 2037 bytes after APPEND; the file names and separators of ours take the rest.
_LOADER_ROOM = 2037 - len(f"xen-shim  --- {LOADER_KERNEL_FILE}  --- ramdisk")


class Carrier(Enum):
    """Who hands the line to the shim: xl (PVH), our pre-stage, or the ISO's boot loader alone."""

    XL = auto()
    PRE_STAGE = auto()
    LOADER = auto()


def join(guest: Guest, payload: Payload | None = None) -> str:
    """Return the line: what xl joins of cmdline/root/extra, or that of an extracted kernel.

    Empty for PV GRUB: the line is for the guest's kernel, which gets its own from grub.cfg.
    """
    if isinstance(guest.boot, BootloaderBoot):
        return payload.extracted.command_line if payload and payload.extracted else ""
    return xl_command_line(guest)


def faults(
    guest: Guest, shim_args: str, carrier: Carrier, payload: Payload | None = None
) -> list[Fault]:
    """List why the command line could not reach the guest unchanged, if so.

    xl itself hands it over as it did before. Our pre-stage passes every byte but zero (seen under
    QEMU and Xen 4.17; see tests/prestage). What ISOLINUX and mboot.c32 alone mangle was measured
    byte by byte (Debian's ISOLINUX 6.04; see tests/boot).
    """
    text = join(guest, payload)
    match carrier:
        case Carrier.XL:
            # A line that was in the config before is as good as it was.
            ours = payload is not None and payload.extracted is not None
            wrong = list(_ended(text, r"\0")) if ours else []
        case Carrier.PRE_STAGE:
            wrong = [*_too_long(text, MOST), *_ended(text, r"\0")]
        case Carrier.LOADER:
            wrong = list(_mangled(text))
    found = [_fault(guest, text, what, remedy) for what, remedy in wrong]
    return [*found, *_shim_faults(guest, shim_args, text, carrier)]


_Wrong = Iterator[tuple[str, str]]  # what is wrong, and the remedy


def _too_long(text: str, most: int) -> _Wrong:
    if (length := len(_bytes(text))) > most:
        yield f"is {length} bytes long, and a PV guest gets {most}", "shorten it"


def _ended(text: str, ends: str) -> _Wrong:
    if ending := re.search(f"[{ends}]", text):
        yield f"holds {ending[0]!r}, which ends it", "write it without"


def _mangled(text: str) -> _Wrong:
    """Yield what the boot loader would change."""
    yield from _too_long(text, _LOADER_MOST)
    yield from _ended(text, r"\0\n\r")
    if "---" in words(text):
        yield (
            "holds a lone --- which separates modules in the boot loader's own syntax",
            "leave it out (kernels ignore it)",
        )
    if " ".join(words(text)) != text:
        yield (
            "has tabs, or blanks in a row or at an end: the boot loader makes them one blank",
            "write single blanks (kernels read them the same way)",
        )


def words(text: str) -> list[str]:
    """Split as mboot.c32 does: at runs of blank, tab, vertical tab and form feed."""
    return [word for word in re.split(r"[ \t\v\f]+", text) if word]


def _shim_faults(guest: Guest, shim_args: str, text: str, carrier: Carrier) -> Iterator[Fault]:
    """Yield what is wrong with --shim-args."""
    where = Location(guest.config)
    # What stands behind a lone -- a shim takes for words to its guest (read: 4.10-4.17).
    separator = "---" if carrier is Carrier.LOADER else "--"
    if separator in words(shim_args):
        remedy = "leave it out of --shim-args"
        yield Fault(f"the shim's arguments hold a lone {separator}", where, shim_args, remedy)
    size = len(_bytes(shim_args))
    if carrier is Carrier.LOADER:
        size += len(_bytes(text))
    most = {Carrier.LOADER: _LOADER_ROOM, Carrier.PRE_STAGE: MOST}.get(carrier, size)
    if size > most:
        yield Fault("the shim's arguments are too long", where, shim_args, "shorten --shim-args")


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _fault(guest: Guest, text: str, what: str, remedy: str) -> Fault:
    sources = [value for value in (guest.cmdline, guest.extra, guest.root) if value is not None]
    line = sources[0].line if sources else None
    return Fault(f"the kernel command line {what}", Location(guest.config, line), text, remedy)
