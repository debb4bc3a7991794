"""Guests whose boot loader runs in dom0: it stays in PVH mode, and something does its work in HVM.

PV GRUB boots what the guest's own menu says, at every boot, with the config's words added, or the
kernel that the config names. A kernel extracted from the guest's disk takes all that pygrub takes,
but stays what it was at conversion.
"""

import getopt
import re
from dataclasses import dataclass

from shimtool.dom0 import facts
from shimtool.errors import Fault
from shimtool.model import (
    BootLoader,
    BootloaderBoot,
    Guest,
    Host,
    Mode,
    Payload,
    PvGrubRequest,
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
_IT_STAYS = ", in which it stays"
_HONOURED = ("--kernel", "--ramdisk", "--args", "--entry", "--offset")
# GRUB counts and names entries in its own way (submenus, branches of an if), and knows no offsets.
_NOT_BY_PVGRUB = ("--entry", "--offset")

# What container/pvgrub/guest holds of a request, and a PV guest's start_info of a line (without
# the final zero; Xen's public/xen.h). Bytes.
PVGRUB_ROOM = 8176
_MOST_WORDS = 1023


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
            guest.words.or_pvh("leave out --boot-loader keep", _IT_STAYS),
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
                    f"set {guest.written('bootloader')} to pygrub, or {guest.written('kernel')} and"
                    f" {guest.written('ramdisk')}",
                    _IT_STAYS,
                ),
            )
        ]
    return options(guest, boot)[1]


def pvgrub_request(guest: Guest, boot: BootloaderBoot) -> PvGrubRequest:
    """Return what PV GRUB is asked for, so that it does as pygrub would."""
    asked, _refused = options(guest, boot)
    return PvGrubRequest(
        words=asked.arguments,
        kernel=_path_inside(asked.kernel),
        ramdisk=_path_inside(asked.ramdisk) if asked.kernel else "",  # pygrub: only together
        disks=tuple(disk.vdev for disk in guest.disks if _VDEV.fullmatch(disk.vdev)),
    )


_VDEV = re.compile("[a-zA-Z0-9]{1,32}", re.ASCII)


def _path_inside(path: str | None) -> str:
    return f"/{path.lstrip('/')}" if path else ""


def pvgrub_faults(guest: Guest, boot: BootloaderBoot) -> list[Fault]:
    """List the settings that PV GRUB cannot honour: without them another kernel could boot."""
    found = [
        guest.fault(
            "bootloader_args",
            f"PV GRUB cannot honour {name}, as it counts boot entries in its own way"
            if name == "--entry"
            else f"PV GRUB cannot honour {name}",
            " ".join(boot.arguments),
            guest.words.or_pvh(
                "let shimtool read the guest's disk (run it as root on dom0, or --map the disk;"
                " --extract), or choose the entry in the guest's own menu and remove"
                f" {name} here",
                _IT_STAYS,
            ),
        )
        for name in ignored_by_pvgrub(boot)
    ]
    return [*found, *_unsayable(guest, pvgrub_request(guest, boot))]


def _unsayable(guest: Guest, request: PvGrubRequest) -> list[Fault]:
    """List what does not fit into a request."""
    words = request.words.encode(errors="surrogateescape")
    texts = (request.words, request.kernel, request.ramdisk, *request.disks)
    room = sum(len(text.encode(errors="surrogateescape")) + 1 for text in texts) <= PVGRUB_ROOM
    wrong = {
        f"is {len(words)} bytes long, and a PV guest gets {_MOST_WORDS}": len(words) > _MOST_WORDS,
        "holds '\\x00', which ends it": any("\0" in text for text in texts),
        "and the paths beside it are too long for PV GRUB": not room,
    }
    key = next(
        (key for key in ("cmdline", "extra", "root") if key in guest.keys), "bootloader_args"
    )
    return [
        guest.fault(key, f"the kernel command line {what}", request.words, "shorten it")
        for what, is_so in wrong.items()
        if is_so
    ][:1]


def ignored_by_pvgrub(boot: BootloaderBoot) -> list[str]:
    """Name the options of bootloader_args= that PV GRUB would ignore."""
    given, _rest, _why = _parsed(boot.arguments)
    names = [name for name, _value in given]
    return [name for name in _NOT_BY_PVGRUB if name in names]


def payload_faults(guest: Guest, payload: Payload) -> list[Fault]:
    """List the reasons that lie in PV GRUB, where it takes pygrub's place."""
    boot = guest.boot
    if not isinstance(boot, BootloaderBoot) or payload.extracted is not None:
        return []
    if not is_pygrub(boot):
        return []  # nothing can take its place: faults() says so
    return pvgrub_faults(guest, boot)


def warnings(guest: Guest, payload: Payload | None) -> list[str]:
    """What changes for a guest whose boot loader ran in dom0."""
    if not isinstance(guest.boot, BootloaderBoot) or payload is None:
        return []
    if payload.extracted is None:
        return [_width(payload)]
    why = ", ".join(ignored_by_pvgrub(guest.boot))
    because = f" (PV GRUB could not honour {why})" if why else ""
    found = [
        f"boots a copy of {payload.kernel.file.dom0_path}, no longer what its disk holds{because}:"
        " after a kernel upgrade inside the guest run shimtool convert again"
    ]
    if not payload.extracted.cleanly_unmounted:
        found.append(
            f"{payload.extracted.disk} may be in use, and what was read of it half-written: shut"
            " the guest down first, then convert again"
        )
    return found


def _width(payload: Payload) -> str:
    bits = payload.kernel.facts.bits
    other, option = (32, "i386") if bits == 64 else (64, "x86_64")
    return (
        f"PV GRUB, in place of pygrub, is the {bits}-bit one: a guest with a {other}-bit kernel"
        f" does not start from it (say --pvgrub {option})"
    )
