"""Kernel modules out of an unpacked Debian kernel package, in load order."""

import lzma
from io import BytesIO
from pathlib import Path

from elftools.elf.elffile import ELFFile


def _plain(path: Path) -> bytes:
    """Return the module's ELF: Debian 13 compresses modules with xz."""
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def _needs(elf: bytes) -> list[str]:
    """Return the names in the module's own `depends=` line."""
    section = ELFFile(BytesIO(elf)).get_section_by_name(".modinfo")
    assert section, "a module without .modinfo"
    for line in section.data().split(b"\0"):
        if line.startswith(b"depends="):
            return [name for name in line[8:].decode().split(",") if name]
    return []


def _name(path: Path) -> str:
    return path.name.partition(".")[0].replace("-", "_")


def pick(package: Path, wanted: list[str]) -> dict[str, bytes]:
    """Return {file name: module} for `wanted` and all they need, dependencies first.

    `package` is an unpacked linux-image package; what it has built in is left out.
    """
    (folder,) = package.glob("**/lib/modules/*/kernel")
    files = {_name(path): path for path in folder.rglob("*.ko*")}
    builtin = (folder.parent / "modules.builtin").read_text().splitlines()
    inside = {_name(Path(line)) for line in builtin}
    order: dict[str, bytes] = {}

    def add(name: str) -> None:
        if name in inside or f"{name}.ko" in order:
            return
        elf = _plain(files[name])
        for need in _needs(elf):
            add(need.replace("-", "_"))
        order[f"{name}.ko"] = elf

    for name in wanted:
        add(name.replace("-", "_"))
    return order
