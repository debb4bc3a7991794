"""The guest kernel's command line: joined as xl joins it, passed byte for byte or refused."""

import os
import re

from shimtool.errors import Fault, Location
from shimtool.model import BootloaderBoot, Guest, Mode, Payload
from shimtool.plan.bootloader import xl_command_line

# Name of the kernel's file in the ISO: mboot.c32 makes it the first word of the guest's
# /proc/cmdline, where every distribution's own boot loader puts such a word.
KERNEL_FILE = "BOOT_IMAGE=linux"

# Xen's start_info.cmd_line (public/xen.h MAX_GUEST_CMDLINE) holds 1024 bytes with the final NUL;
# a PV guest never saw more. The shim keeps the file's name as the first word.
_ROOM = 1023 - len(f"{KERNEL_FILE} ")

# ISOLINUX takes 2037 bytes after APPEND; the file names and separators of ours take the rest.
_LOADER_ROOM = 2037 - len(f"xen-shim  --- {KERNEL_FILE}  --- ramdisk")


def join(guest: Guest, payload: Payload | None = None) -> str:
    """Return the line: what xl joins of cmdline/root/extra, or that of an extracted kernel.

    Empty for PV GRUB: the line is for the guest's kernel, which gets its own from grub.cfg.
    """
    if isinstance(guest.boot, BootloaderBoot):
        return payload.extracted.command_line if payload and payload.extracted else ""
    return xl_command_line(guest)


def faults(guest: Guest, shim_args: str, mode: Mode, payload: Payload | None = None) -> list[Fault]:
    """List why the command line could not reach the guest unchanged, if so.

    In PVH mode xl itself hands it over, as it did before. In HVM mode ISOLINUX and mboot.c32 do:
    what they mangle was measured byte by byte (QEMU, Debian's ISOLINUX 6.04; see tests/boot).
    """
    text = join(guest, payload)
    if mode is Mode.PVH:
        ended = payload is not None and payload.extracted is not None and "\0" in text
        return [_fault(guest, text, "holds a zero byte", "write it without")] if ended else []
    found = []
    if (length := len(os.fsencode(text))) > _ROOM:
        found.append(_fault(guest, text, f"is {length} bytes long, {_ROOM} fit", "shorten it"))
    if ending := re.search(r"[\0\n\r]", text):
        what = f"holds {ending[0]!r}, which ends it"
        found.append(_fault(guest, text, what, "write it without"))
    if "---" in words(text):
        found.append(
            _fault(
                guest,
                text,
                "holds a lone --- which separates modules in the boot loader's own syntax",
                guest.words.or_pvh("leave it out (kernels ignore it)"),
            )
        )
    if " ".join(words(text)) != text:
        found.append(
            _fault(
                guest,
                text,
                "has tabs, or blanks in a row or at an end: the boot loader makes them one blank",
                guest.words.or_pvh("write single blanks (kernels read them the same way)"),
            )
        )
    return found + _shim_faults(guest, shim_args, text)


def words(text: str) -> list[str]:
    """Split as mboot.c32 does: at runs of blank, tab, vertical tab and form feed."""
    return [word for word in re.split(r"[ \t\v\f]+", text) if word]


def _shim_faults(guest: Guest, shim_args: str, text: str) -> list[Fault]:
    where = Location(guest.config)
    if "---" in words(shim_args):
        remedy = "leave it out of --shim-args"
        return [Fault("the shim's arguments hold a lone ---", where, shim_args, remedy)]
    if len(os.fsencode(shim_args)) + len(os.fsencode(text)) > _LOADER_ROOM:
        return [
            Fault(
                "the shim's arguments are too long for the boot loader",
                where,
                shim_args,
                "shorten --shim-args",
            )
        ]
    return []


def _fault(guest: Guest, text: str, what: str, remedy: str) -> Fault:
    sources = [value for value in (guest.cmdline, guest.extra, guest.root) if value is not None]
    line = sources[0].line if sources else None
    return Fault(f"the kernel command line {what}", Location(guest.config, line), text, remedy)
