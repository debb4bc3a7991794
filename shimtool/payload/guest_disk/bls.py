"""Boot Loader Specification entries, which a grub.cfg with `blscfg` stands for (Fedora, RHEL 8 on).

pygrub (to 4.21) does not know them; GRUB's blscfg shows the newest entry first, takes the default
from grubenv's saved_entry, and expands $kernelopts and the like from grubenv.
"""

import re
from collections.abc import Mapping

from shimtool.payload.guest_disk.menu import Entry, Menu, menu, whole


def read_environment(text: str) -> dict[str, str]:
    """Read a grubenv: NAME=VALUE lines with backslash escapes."""
    pairs = (
        line.partition("=") for line in text.split("\n") if "=" in line and not line.startswith("#")
    )
    return {name: re.sub(r"\\(.)", r"\1", value) for name, _, value in pairs}


def read_entries(files: Mapping[str, str], environment: Mapping[str, str]) -> Menu:
    """Build the menu of the entries in `files`: text by file name."""
    names = sorted(files, key=_age, reverse=True)
    entries = [_entry(files[name], environment) for name in names]
    saved = environment.get("saved_entry", "")
    identifiers = [name.removesuffix(".conf") for name in names]
    default = identifiers.index(saved) if saved in identifiers else whole(saved) or 0
    return menu(entries, default)


def _entry(text: str, environment: Mapping[str, str]) -> Entry:
    fields: dict[str, list[str]] = {}
    for line in text.split("\n"):
        key, *value = line.strip().split(None, 1)[:2] or [""]
        if key and not key.startswith("#"):
            fields.setdefault(key, []).append(_expanded("".join(value).strip(), environment))
    arguments = " ".join(filter(None, fields.get("options", [])))
    ramdisks = " ".join(filter(None, fields.get("initrd", [])))
    kernel = fields.get("linux", [""])[-1]
    return Entry(fields.get("title", [""])[-1], kernel, ramdisks.strip(), arguments)


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    """Put in variables; an unknown one is empty, as in GRUB."""
    return re.sub(
        r"\$(?:\{(\w+)\}|(\w+))", lambda match: environment.get(match[1] or match[2], ""), text
    )


def _age(name: str) -> list[tuple[int, int, str]]:
    """Sort key: numbers in a name count as numbers (vmlinuz 5.10 is newer than 5.9)."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name.removesuffix(".conf"))
    return [(1, int(part), "") if part[0] in "0123456789" else (0, 0, part) for part in parts]
