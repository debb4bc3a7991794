"""The files of ours that a new config names: what they are, and what they are called in --out."""

from enum import StrEnum
from pathlib import PurePosixPath

from shimtool.deferred import regex

DEVICE_MODEL_SCRIPT = "shimtool-dm"


class OutputKind(StrEnum):
    """What a file is that a new config names."""

    SHIM = "shim"
    PVGRUB = "PV GRUB image"
    KERNEL = "kernel"
    RAMDISK = "ramdisk"
    DEVICE_MODEL = "device-model script"
    ISO = "boot ISO"


# Those that are named after their content: guests share them, and keep the ones they had.
_PREFIXES = {
    OutputKind.SHIM: "xen-shim",
    OutputKind.PVGRUB: "pvgrub",
    OutputKind.KERNEL: "kernel",
    OutputKind.RAMDISK: "ramdisk",
}
_BY_CONTENT = regex(f"({'|'.join(_PREFIXES.values())})-[0-9a-f]{{16}}")


def content_name(kind: OutputKind, sha256: str) -> str:
    """Return the name of a file that is called after its content."""
    return f"{_PREFIXES[kind]}-{sha256[:16]}"


def kind_by_name(path: str) -> OutputKind | None:
    """Return what a file is that content_name() named; None for any other."""
    found = _BY_CONTENT.fullmatch(PurePosixPath(path).name)
    return next(kind for kind, prefix in _PREFIXES.items() if prefix == found[1]) if found else None
