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
CONFIG_FILE = "isolinux.cfg"
BOOT_FILE = "isolinux.bin"
BOOT_INFO_END = 64  # bytes 8-63 of it are the boot info table
_MODULES = ("ldlinux.c32", "libcom32.c32", "mboot.c32")

# An empty newc cpio archive: Linux skips it, and mboot.c32, which unzips whatever begins with
# gzip's magic and keeps only the first member, no longer sees that magic.
GUARD = (
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
    """A file of the ISO: `head` bytes, then all of `source` (if any)."""

    name: str
    head: bytes = b""
    source: SourceFile | None = None

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.head) + (self.source.size if self.source else 0)


def isolinux_cfg(image: BootImage) -> str:
    """Render the loader's config; the plan made sure that nothing in it ends the line."""
    modules = [
        f"{SHIM_FILE} {image.shim_args}",
        f"{KERNEL_FILE} {image.command_line}".rstrip(" "),
    ]
    if image.payload.ramdisk:
        modules.append(RAMDISK_FILE)
    return _ISOLINUX_CFG.format(append=" --- ".join(modules))


def iso_files(
    image: BootImage, shim: SourceFile, kernel: SourceFile, assets: Assets
) -> list[IsoFile]:
    """List the ISO's files in order; `kernel` is the file to store, unpacked where planned."""
    config = isolinux_cfg(image).encode(errors="surrogateescape")
    payload = [IsoFile(SHIM_FILE, source=shim), IsoFile(KERNEL_FILE, source=kernel)]
    if ramdisk := image.payload.ramdisk:
        payload.append(IsoFile(RAMDISK_FILE, GUARD if image.guard else b"", ramdisk.file))
    loader = [IsoFile(name, (assets.boot / name).read_bytes()) for name in (BOOT_FILE, *_MODULES)]
    listed = [*loader, IsoFile(CONFIG_FILE, config), *payload]
    return [IsoFile(MANIFEST_FILE, _manifest(image, listed)), *listed]


def _manifest(image: BootImage, files: Sequence[IsoFile]) -> bytes:
    """Describe every file: after `skip` bytes of ours come `size` bytes with this `sha256`."""
    kernel = image.payload.kernel.file
    document = {
        "shimtool": __version__,
        "shim": {"name": image.shim.name, "version": image.shim.version},
        "kernel": {"path": kernel.dom0_path, "sha256": kernel.sha256, "unpacked": image.unpack},
        "command_line": image.command_line,
        "files": {file.name: _described(file) for file in files},
    }
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _described(file: IsoFile) -> dict[str, str | int]:
    if source := file.source:
        skip = len(file.head)
        return {
            "path": source.dom0_path, "sha256": source.sha256, "size": source.size, "skip": skip,
        }  # fmt: skip
    # The boot info table is filled in later; it has a checksum of its own.
    skip = BOOT_INFO_END if file.name == BOOT_FILE else 0
    content = file.head[skip:]
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "skip": skip}
