"""Boot menus, read as pygrub reads them, and a little more; parsed as text, nothing in them runs.

What "pygrub" means here was read in Xen 4.2 to 4.21's tools/pygrub and is compared with the
program of Debian's 4.17 in tests/payload/guest_disk. It takes a config line by line, whatever ifs
stand around a line, and expands no variable: the kernel gets the text of the line.
"""

import re
from dataclasses import field

from shimtool.deferred import dataclass, regex
from shimtool.payload.jailed.answers import UnreadableError

_LONGEST = 16384  # characters of a line; no kernel takes as many
_LINUX = ("linux", "linux16", "linuxefi")
_MENUENTRY = regex(r"menuentry (?:[\"'](.*?)[\"']|(\S+)) ")
_INITRD = ("initrd", "initrd16", "initrdefi")


@dataclass(slots=True)
class Entry:
    """One entry of a menu; kernel "" when there is none. `modules` are those after a Xen."""

    title: str
    kernel: str = ""
    ramdisk: str = ""
    arguments: str = ""
    modules: list[str] = field(default_factory=list)
    xen: bool = False
    named: bool = False  # a kernel line was there, be it an empty one

    def set_kernel_line(self, text: str) -> None:
        """Take "PATH ARGUMENTS"."""
        self.named = True
        path, blank, rest = text.partition(" ")
        if blank:
            path, rest = _first_word(text)
        self.kernel, self.arguments = without_device(path), rest

    def normalized(self) -> "Entry":
        """Return the entry as it boots as a PV guest: under a Xen, its first module is the

        kernel (pygrub leaves those out, and cannot boot such an entry).
        """
        if self.modules and (self.xen or not self.kernel or _is_xen(self.kernel)):
            self.set_kernel_line(self.modules[0])
            self.ramdisk = without_device(self.modules[1]) if len(self.modules) > 1 else ""
        return self


@dataclass(frozen=True, slots=True)
class Menu:
    """The entries in order, and the number of the one that boots by itself."""

    entries: tuple[Entry, ...]
    default: int = 0

    def chosen(self, asked: str | None = None) -> Entry | None:
        """Return what boots: `asked` (a number or a title) if there is such an entry, else the

        default, else the first one; None for an empty menu.
        """
        if not self.entries:
            return None
        wanted = self._numbered(asked)
        return self.entries[wanted if wanted is not None else self.default]

    def _numbered(self, asked: str | None) -> int | None:
        number = whole(asked or "")
        if number is None:
            titles = [entry.title for entry in self.entries]
            return titles.index(asked) if asked in titles else None
        return number if 0 <= number < len(self.entries) else None


def menu(entries: list[Entry], default: int) -> Menu:
    """Build a menu; a default that is not there becomes the first entry."""
    normalized = tuple(entry.normalized() for entry in entries)
    return Menu(normalized, default if 0 <= default < len(normalized) else 0)


def grub2(text: str) -> Menu:
    """Read a grub.cfg.

    The last `set default=` counts, in a branch of an if or not; one that is no number (a title,
    ${saved_entry}) means the first entry, as in pygrub.
    """
    entries: list[Entry] = []
    entry: Entry | None = None
    default, in_function = 0, False
    for line in _lines(text):
        if line.startswith("function"):
            in_function = True
        elif in_function:
            in_function = not line.startswith("}")
        # (pygrub's expression ends in `.*{`, and tries every blank of a line before it gives up)
        elif begun := _MENUENTRY.match(line[: line.rfind("{") + 1]):
            entry = Entry((begun[1] if begun[1] is not None else begun[2]).strip())
            entries.append(entry)
        elif line.startswith("}"):
            entry = None
        elif entry is not None:
            _grub2_line(entry, line)
        else:
            command, rest = _command(line)
            name, _, value = rest.partition("=")
            if command == "set" and name.strip() == "default":
                default = whole(_unquoted(value.strip())) or 0
    return menu(entries, default)


def _grub2_line(entry: Entry, line: str) -> None:
    command, rest = _command(line)
    if command in _LINUX:
        entry.set_kernel_line(rest)
    elif command in _INITRD:
        entry.ramdisk = without_device(rest)
    elif command in ("multiboot", "multiboot2", "xen_hypervisor"):
        entry.xen = True
    elif command in ("module", "module2", "xen_module"):
        entry.modules.append(rest.removeprefix("--nounzip ").strip())


def legacy(text: str) -> Menu:
    """Read a menu.lst or grub.conf of GRUB legacy."""
    entries: list[Entry] = []
    default, empty = 0, False
    for line in _lines(text):
        if line.startswith("title"):
            entries.append(Entry(line[6:].strip()))
            empty = True
            continue
        command, rest = _command(line)
        if not entries:
            if command == "default":
                default = whole(rest) or 0
            continue
        empty = False
        if command == "kernel":
            entries[-1].set_kernel_line(rest)
        elif command == "initrd":
            entries[-1].ramdisk = without_device(rest)
        elif command == "module":
            entries[-1].modules.append(rest)
    return menu(entries[:-1] if empty else entries, default)


def syslinux(text: str) -> Menu:
    """Read an extlinux.conf or isolinux.cfg; `linux` and `initrd` too, which pygrub does not."""
    entries: list[Entry] = []
    default: str | None = None
    for line in _lines(text):
        command, rest = _command(line)
        command = command.lower()
        if line.lower().startswith("label"):
            entries.append(Entry(_bare(rest)))
        elif entries:
            _syslinux_line(entries[-1], command, rest)
        elif command == "default":
            default = rest
    titles = [entry.title for entry in entries]
    return menu(entries, titles.index(default) if default in titles else 0)


def _syslinux_line(entry: Entry, command: str, rest: str) -> None:
    if command in ("kernel", "linux"):
        entry.set_kernel_line(_bare(rest))
    elif command == "initrd":
        entry.ramdisk = _bare(rest)
    elif command == "append" and entry.kernel.endswith("mboot.c32"):
        entry.xen = True
        parts = [part.strip() for part in rest.split("---")]
        entry.modules = parts[1:] if len(parts) > 2 else parts
    elif command == "append":
        for word in dict.fromkeys(rest.split(" ") if entry.named else ()):
            if word.startswith("initrd="):
                entry.ramdisk = word.replace("initrd=", "")
                rest = rest.replace(word, "")
        entry.arguments = _bare(rest.strip())


def without_device(path: str) -> str:
    """Drop GRUB's device in front: "(hd0,0)/boot/vmlinuz" is looked for where the menu is."""
    return re.sub(r"\A\([^)]*\)", "", path.strip())


def whole(text: str) -> int | None:
    """Read a number of a menu; None for anything else."""
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,9}", text.strip(), re.ASCII) else None


def _lines(text: str) -> list[str]:
    stripped = [line.strip() for line in text.split("\n")]
    if (longest := max(map(len, stripped))) > _LONGEST:
        raise UnreadableError(f"its boot menu has a line of {longest} characters")
    return [line for line in stripped if line and not line.startswith("#")]


def _command(line: str) -> tuple[str, str]:
    """Split "COMMAND REST" or "COMMAND=REST" at what comes first."""
    command, rest = _first_word(line)
    before, equals, after = line.partition("=")
    return (before, after.strip()) if equals and len(before) < len(command) else (command, rest)


def _first_word(text: str) -> tuple[str, str]:
    """Split at the first blanks: (word, what follows them)."""
    word, *rest = text.split(None, 1) or ("",)
    return word, rest[0].rstrip() if rest else ""


def _unquoted(text: str) -> str:
    quoted = re.match(r"([\"'])(.*)\1", text)
    return quoted[2].strip() if quoted else text


def _bare(text: str) -> str:
    text = text.strip()
    return text[1:-1] if len(text) > 2 and text[0] == text[-1] == '"' else text


def _is_xen(path: str) -> bool:
    return bool(re.match(r"xen\b", path.rpartition("/")[2]))
