"""Guests whose boot loader runs in dom0: it stays in PVH mode, and something does its work in HVM.

PV GRUB (pvgrub.py) boots what the guest's own menu says, at every boot, with the config's words
added, or the kernel that the config names. A kernel extracted from the guest's disk takes all that
pygrub takes, but stays what it was at conversion.
"""

import getopt
import re

from shimtool.deferred import dataclass
from shimtool.dom0 import facts
from shimtool.errors import Fault
from shimtool.model import (
    BootLoader,
    BootloaderBoot,
    Guest,
    Host,
    Mode,
    Settings,
    Syntax,
)

# The options that pygrub knows (Xen 4.2-4.21; --offset from 4.3, --runas from 4.12 on).
_SHORT = "qilnh::"
_LONG = (
    "quiet", "interactive", "list-entries", "not-really", "help", "output=", "output-format=",
    "output-directory=", "offset=", "runas=", "entry=", "kernel=", "ramdisk=", "args=",
    "isconfig", "debug",
)  # fmt: skip
_HARMLESS = ("-q", "--quiet", "-i", "--interactive", "--runas", "--debug")
_MOST_ARGUMENTS = 1000  # 16 options make sense; the time of getopt grows with their square
IT_STAYS = ", in which it stays"
_HONOURED = ("--kernel", "--ramdisk", "--args", "--entry", "--offset")


@dataclass(frozen=True, slots=True)
class PygrubOptions:
    """The options pygrub gets from libxl (kernel=, ramdisk=, command line) and bootloader_args."""

    kernel: str | None = None
    ramdisk: str | None = None
    arguments: str = ""
    entry: str | None = None
    offset: int | None = None


def options(guest: Guest, boot: BootloaderBoot) -> tuple[PygrubOptions, list[Fault]]:
    """Return pygrub's options, and the reasons why shimtool cannot do as they say, if any.

    libxl (4.2-4.21) runs pygrub with --kernel=, --ramdisk= and --args= from the config, --args
    being what it joined of cmdline=, root= and extra=, then with bootloader_args; the last wins.
    """
    given, rest, why = _parsed(boot.arguments)
    faults = [_refused_option(guest, why or f"pygrub's {name} boots nothing here") for name in rest]
    values = {name.removeprefix("--"): value for name, value in given if name in _HONOURED}
    offset = values.get("offset")
    if offset is not None and not re.fullmatch("[0-9]{1,15}", offset, re.ASCII):
        faults.append(_refused_option(guest, f"--offset={offset} is no number of bytes"))
        offset = None
    kernel, ramdisk = boot.kernel, boot.ramdisk
    return (
        PygrubOptions(
            kernel=values.get("kernel", kernel.text if kernel else None),
            ramdisk=values.get("ramdisk", ramdisk.text if ramdisk else None),
            arguments=values.get("args", xl_command_line(guest)),
            entry=values.get("entry"),
            offset=None if offset is None else int(offset),
        ),
        faults,
    )


def _parsed(arguments: tuple[str, ...]) -> tuple[list[tuple[str, str]], list[str], str]:
    """Return the options as pygrub reads them, and those that shimtool cannot do as they say.

    Last comes the reason; where it is empty, each such option boots nothing.
    """
    if len(arguments) > _MOST_ARGUMENTS:
        return [], ["?"], f"{len(arguments)} words are more than {_MOST_ARGUMENTS}"
    try:
        given, words = getopt.gnu_getopt(list(arguments), _SHORT, list(_LONG))
    except getopt.GetoptError as error:
        return [], ["?"], f"pygrub does not understand it: {error}"
    if words:
        return given, ["?"], f"pygrub would read {words[0]} instead of the guest's disk"
    return given, [name for name, _ in given if name not in _HARMLESS + _HONOURED], ""


def _refused_option(guest: Guest, why: str) -> Fault:
    name = guest.words.name("bootloader_args")
    return guest.fault(
        "bootloader_args",
        f"{name} cannot be honoured: {why}",
        " ".join(guest.boot.arguments) if isinstance(guest.boot, BootloaderBoot) else None,
        f"remove it from {name}",
    )


def xl_command_line(guest: Guest) -> str:
    """Join cmdline/root/extra as xl 4.5-4.21 does: cmdline alone, else root and extra."""
    if guest.cmdline is not None:
        return guest.cmdline.text
    root = None if guest.root is None else f"root={guest.root.text}"
    extra = None if guest.extra is None else guest.extra.text
    return " ".join(part for part in (root, extra) if part is not None)


def command_line(asked: PygrubOptions, entry: str) -> str:
    """Return the line of an extracted kernel: the menu's, then the config's, as pygrub joins them.

    With --kernel pygrub reads no menu. libxl drops blanks in front.
    """
    parts = [] if asked.kernel else [entry]
    return " ".join(part for part in (*parts, asked.arguments) if part).lstrip()


def stays(guest: Guest, host: Host, settings: Settings) -> bool:
    """Whether the guest's own boot loader goes on finding its kernel in dom0, at each start.

    libxl (4.10.1-4.21) runs it for PVH guests as for PV ones; libvirt's driver does not.
    """
    asked = settings.boot_loader is BootLoader.PVGRUB or settings.pvgrub or settings.extract
    return (
        isinstance(guest.boot, BootloaderBoot)
        and guest.syntax is not Syntax.LIBVIRT
        and not asked
        and facts.chosen_mode(host, settings.mode) is Mode.PVH
    )


def keep_faults(guest: Guest, settings: Settings) -> list[Fault]:
    """List why a boot loader that was to be kept is not, where it does not stay."""
    if settings.boot_loader is not BootLoader.KEEP or not isinstance(guest.boot, BootloaderBoot):
        return []
    return [
        guest.fault(
            "bootloader",
            f"{guest.words.toolstack} would not run this boot loader in the new config, and"
            " --boot-loader keep wants it to",
            guest.boot.program.text,
            guest.words.or_pvh("leave out --boot-loader keep", IT_STAYS),
        )
    ]


def is_pygrub(boot: BootloaderBoot) -> bool:
    """Whether the boot loader is pygrub, whose work shimtool can do."""
    return boot.program.text.rpartition("/")[2].startswith("pygrub")


def faults(guest: Guest, boot: BootloaderBoot) -> list[Fault]:
    """List the reasons that hold whatever is in the guest's disk."""
    if not is_pygrub(boot):
        return [
            guest.fault(
                "bootloader",
                "shimtool cannot take this boot loader's place: it can do pygrub's work only",
                boot.program.text,
                guest.words.or_pvh(
                    f"set {guest.written('bootloader')} to pygrub, or put {guest.written('kernel')}"
                    f" and {guest.written('ramdisk')} of files in dom0 in its place",
                    IT_STAYS,
                ),
            )
        ]
    return options(guest, boot)[1]
