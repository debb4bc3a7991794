"""What an ISO of ours says of itself (shimtool.json), read strictly: damaged, forged, whatever."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shimtool.errors import Fault, Location, fault, raise_all
from shimtool.output.iso_content import (
    BOOT_FILE,
    CATALOG_FILE,
    CONFIG_FILE,
    MANIFEST_FILE,
    MODULES,
    RAMDISK_FILE,
    SHIM_FILE,
)
from shimtool.output.iso_reader import REDO, Iso
from shimtool.plan.command_line import KERNEL_FILE

_SMALL = 1 << 20
_NEEDED = frozenset((BOOT_FILE, *MODULES, CONFIG_FILE, SHIM_FILE, KERNEL_FILE))


@dataclass(frozen=True, slots=True)
class Listed:
    """A file's content: after `prefix_size` bytes of ours come `size` bytes with this hash."""

    prefix_size: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Whose ISO it is, what it tells the boot loader, and every file but itself and boot.cat."""

    guest: str
    shim_args: str
    command_line: str
    files: Mapping[str, Listed]


def read_manifest(iso: Iso, path: Path) -> Manifest:
    """Read the manifest; its files are those in the ISO, and all that a boot needs is there.

    Raises ShimtoolError with all that is wrong.
    """
    try:
        document = json.loads(iso.read(MANIFEST_FILE, _SMALL), parse_constant=_refuse)
        manifest = Manifest(
            _text(document["guest"]),
            _text(document["shim_args"]),
            _text(document["command_line"]),
            {name: _listed(facts) for name, facts in _mapping(document["files"]).items()},
        )
        original = _mapping(document["kernel"])
        kernel = None if original["unpacked"] is True else original["sha256"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise fault(
            "not an ISO of ours: its own description is damaged",
            path,
            seen=f"{MANIFEST_FILE}: {type(error).__name__}: {error}",
            remedy=REDO,
        ) from None
    raise_all(Fault(what, Location(path), seen, REDO) for what, seen in _wrong(manifest, iso))
    if kernel is not None and manifest.files[KERNEL_FILE].sha256 != kernel:
        raise fault("the kernel in the ISO is not the one it says it holds", path, remedy=REDO)
    return manifest


def _wrong(manifest: Manifest, iso: Iso) -> list[tuple[str, str]]:
    """Compare the files listed with those there, those needed, and their sizes."""
    there, listed = set(iso.names()) - {MANIFEST_FILE, CATALOG_FILE}, set(manifest.files)
    sizes = {name for name in there & listed if not _fits(manifest.files[name], iso.size(name))}
    found = {
        "the ISO lacks files that it lists": listed - there,
        "the ISO holds files that it does not list": there - listed,
        "the ISO does not list what a boot needs": _NEEDED - listed,
        "the ISO lists files that none of ours has": listed - _NEEDED - {RAMDISK_FILE},
        "the ISO lists other sizes than its files have": sizes,
    }
    return [(what, ", ".join(sorted(names))) for what, names in found.items() if names]


def _fits(listed: Listed, size: int) -> bool:
    return listed.prefix_size + listed.size == size


def _listed(facts: object) -> Listed:
    fields = _mapping(facts)
    prefix_size, size, digest = (
        _count(fields["skip"]),
        _count(fields["size"]),
        _text(fields["sha256"]),
    )
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise ValueError("a sha256 has 64 hexadecimal digits")
    return Listed(prefix_size, size, digest)


def _mapping(value: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(value, dict):
        raise TypeError("a mapping is missing")
    return value


def _count(value: Any) -> int:  # noqa: ANN401 - whatever JSON holds
    if type(value) is not int or value < 0:
        raise ValueError("sizes are whole numbers from 0 on")
    return value


def _text(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """Return a text of one line which can be bytes again."""
    if not isinstance(value, str) or re.search(r"[\0\n\r]", value):
        raise ValueError("a text of one line is missing")
    value.encode(errors="surrogateescape")  # UnicodeError is a ValueError
    return value


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")
