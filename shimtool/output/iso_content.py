"""What a boot ISO holds, file by file, as pieces that can be copied without holding them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from shimtool import __version__
from shimtool.assets import Assets
from shimtool.model import BootImage, SourceFile
from shimtool.plan.command_line import KERNEL_FILE

SHIM_FILE = "xen-shim"
RAMDISK_FILE = "ramdisk"
MANIFEST_FILE = "shimtool.json"
CATALOG_FILE = "boot.cat"
CONFIG_FILE = "isolinux.cfg"
BOOT_FILE = "isolinux.bin"
BOOT_INFO_AT, BOOT_INFO_END = 8, 64  # where its boot info table is, bytes
MODULES = ("ldlinux.c32", "libcom32.c32", "mboot.c32")

# An empty newc cpio archive: Linux skips it, and mboot.c32, which unzips whatever begins with
# gzip's magic and keeps only the first member, no longer sees that magic.
CPIO_PREFIX = (
    b"070701" + b"00000000" * 4 + b"00000001" + b"00000000" * 6 + b"0000000b" + b"00000000"
    b"TRAILER!!!\0"
).ljust(512, b"\0")

_ISOLINUX_CFG = """\
# Written by shimtool. No menu, no scripting: one line, passed on as it is.
DEFAULT shim
PROMPT 0
LABEL shim
  KERNEL mboot.c32
  APPEND {append}
"""


@dataclass(frozen=True, slots=True)
class IsoFile:
    """A file of the ISO: `prefix` bytes, then all of `source` (if any)."""

    name: str
    prefix: bytes = b""
    source: SourceFile | None = None

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.prefix) + (self.source.size if self.source else 0)


def isolinux_cfg(shim_args: str, command_line: str, *, ramdisk: bool) -> bytes:
    """Render the loader's config; the plan made sure that nothing in it ends the line."""
    modules = [f"{SHIM_FILE} {shim_args}", f"{KERNEL_FILE} {command_line}".rstrip(" ")]
    if ramdisk:
        modules.append(RAMDISK_FILE)
    text = _ISOLINUX_CFG.format(append=" --- ".join(modules))
    return text.encode(errors="surrogateescape")


def iso_files(
    image: BootImage, shim: SourceFile, kernel: SourceFile, assets: Assets, *, guest: str
) -> list[IsoFile]:
    """List the ISO's files in order; `kernel` is the file to store, unpacked where planned."""
    ramdisk = image.payload.ramdisk
    config = isolinux_cfg(image.shim_args, image.command_line, ramdisk=ramdisk is not None)
    payload = [IsoFile(SHIM_FILE, source=shim), IsoFile(KERNEL_FILE, source=kernel)]
    if ramdisk:
        payload.append(
            IsoFile(RAMDISK_FILE, CPIO_PREFIX if image.cpio_prefix else b"", ramdisk.file)
        )
    loader = [IsoFile(name, (assets.boot / name).read_bytes()) for name in (BOOT_FILE, *MODULES)]
    listed = [*loader, IsoFile(CONFIG_FILE, config), *payload]
    return [IsoFile(MANIFEST_FILE, _manifest(guest, image, listed)), *listed]


def _manifest(guest: str, image: BootImage, files: Sequence[IsoFile]) -> bytes:
    """Say whose ISO it is, what it boots, and of every other file: after `prefix_size` bytes of
    ours come `size` bytes with this `sha256`.
    """
    kernel = image.payload.kernel.file
    document = {
        "shimtool": __version__,
        "guest": guest,
        "shim": {"name": image.shim.name, "version": image.shim.version},
        "shim_args": image.shim_args,
        "kernel": {"path": kernel.dom0_path, "sha256": kernel.sha256, "unpacked": image.unpack},
        "command_line": image.command_line,
        "files": {file.name: _described(file) for file in files},
    }
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _described(file: IsoFile) -> dict[str, str | int]:
    if source := file.source:
        prefix_size = len(file.prefix)
        return {
            "path": source.dom0_path,
            "sha256": source.sha256,
            "size": source.size,
            "skip": prefix_size,
        }
    content = without_boot_info(file.prefix) if file.name == BOOT_FILE else file.prefix
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "skip": 0}


def without_boot_info(loader: bytes) -> bytes:
    """Return isolinux.bin as it was: the boot info table is filled in when the ISO is laid out."""
    table = slice(BOOT_INFO_AT, BOOT_INFO_END)
    return loader[: table.start] + bytes(table.stop - table.start) + loader[table.stop :]
