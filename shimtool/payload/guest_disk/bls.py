"""Boot Loader Specification entries, which a grub.cfg with `blscfg` stands for (Fedora, RHEL 8 on).

pygrub (to 4.21) does not know them; GRUB's blscfg shows the newest entry first, takes the default
from shimtool.deferred import regex
from grubenv's saved_entry, and expands $kernelopts and the like from grubenv.
"""

import re
from collections.abc import Mapping

from shimtool.deferred import regex
from shimtool.payload.guest_disk.menu import Entry, Menu, menu, whole
from shimtool.payload.jailed.answers import UnreadableError

_VARIABLE = regex(r"\$(?:\{(\w+)\}|(\w+))")
_MOST_ADDED = 1 << 20  # characters that all variables of a menu add: as long as a grubenv may be


def read_environment(text: str) -> dict[str, str]:
    """Read a grubenv: NAME=VALUE lines with backslash escapes."""
    pairs = (
        line.partition("=") for line in text.split("\n") if "=" in line and not line.startswith("#")
    )
    return {name: re.sub(r"\\(.)", r"\1", value) for name, _, value in pairs}


def read_entries(files: Mapping[str, str], environment: Mapping[str, str]) -> Menu:
    """Build the menu of the entries in `files`: text by file name."""
    names = sorted(files, key=_age, reverse=True)
    variables = _Variables(environment)
    entries = [_entry(files[name], variables) for name in names]
    saved = environment.get("saved_entry", "")
    identifiers = [name.removesuffix(".conf") for name in names]
    default = identifiers.index(saved) if saved in identifiers else whole(saved) or 0
    return menu(entries, default)


def _entry(text: str, variables: "_Variables") -> Entry:
    fields: dict[str, list[str]] = {}
    for line in text.split("\n"):
        key, *value = line.strip().split(None, 1)[:2] or [""]
        if key and not key.startswith("#"):
            fields.setdefault(key, []).append(variables.put_into("".join(value).strip()))
    arguments = _single_blanks(" ".join(filter(None, fields.get("options", []))))
    ramdisks = " ".join(filter(None, fields.get("initrd", [])))
    kernel = fields.get("linux", [""])[-1]
    return Entry(fields.get("title", [""])[-1], kernel, ramdisks.strip(), arguments)


def _single_blanks(text: str) -> str:
    """Make runs of blanks one, as GRUB does, except inside of double quotes, which Linux keeps."""
    pieces = re.split(r'("[^"]*"?)', text)
    return "".join(
        piece if number % 2 else re.sub(r"[ \t\v\f\r]+", " ", piece)
        for number, piece in enumerate(pieces)
    ).strip(" ")


class _Variables:
    """The variables of a grubenv; an unknown one is empty, as in GRUB."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._left = _MOST_ADDED

    def put_into(self, text: str) -> str:
        """Return the text with values for names. Raises UnreadableError for too many of them."""
        return _VARIABLE.sub(self._value, text)

    def _value(self, found: re.Match[str]) -> str:
        value = self._environment.get(found[1] or found[2], "")
        self._left -= len(value)
        if self._left < 0:
            raise UnreadableError(
                f"variables add more than {_MOST_ADDED} characters to the boot menu"
            )
        return value


def _age(name: str) -> list[tuple[int, int, str]]:
    """Sort key: numbers in a name count as numbers (vmlinuz 5.10 is newer than 5.9)."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name.removesuffix(".conf"))
    return [_number(part) if part[0] in "0123456789" else (0, 0, part) for part in parts]


def _number(digits: str) -> tuple[int, int, str]:
    """Sort as the number does; int() refuses thousands of digits, which btrfs has in a name."""
    digits = digits.lstrip("0")
    return 1, len(digits), digits
