"""Boot ISOs with the pre-stage, and what can be seen of a guest that a shim builds from them."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from shimtool.commands.boot_log import LOG_ARGS
from shimtool.output.iso_content import BOOT_FILE, MODULES, IsoFile
from shimtool.output.iso_writer import write_iso
from shimtool.output.shared_blocks import SharedBlocks
from tests.prestage.images import PAGE, Params
from tests.support import debs
from tests.support.kernel_builder import notes
from tests.support.qemu import Machine

GUARD = bytes(PAGE)
NO_RAMDISK = Params()
_VIRT_BASE = 0xFFFFFFFF80000000
_KERNEL_AT = 0x1000000  # in the guest's physical memory
_CONFIG = "DEFAULT shim\nPROMPT 0\nLABEL shim\n  KERNEL mboot.c32\n  APPEND {}\n"

# Xen's public/xen.h, struct start_info of a 64-bit guest.
_MAGIC, _LINE_AT, LINE_SIZE = b"xen-3.0-x86_64", 128, 1024


@cache
def pv_kernel() -> bytes:
    """Build the smallest kernel that a shim puts into a guest: never run without a hypervisor."""
    number = struct.Struct("<Q").pack
    about = notes(
        {
            **{1: number(_VIRT_BASE + _KERNEL_AT), 2: number(_VIRT_BASE + _KERNEL_AT + PAGE)},
            **{3: number(_VIRT_BASE), 4: number(0), 5: b"xen-3.0\0", 6: b"linux\0", 7: b"2.6\0"},
            **{8: b"generic\0", 9: b"yes\0"},  # public/elfnote.h: entry, hypercalls, base, ...
        }
    )
    body = bytes(2 * PAGE) + about
    at = _VIRT_BASE + _KERNEL_AT
    tail = (64, 0, 0, 64, 56, 2, 64, 0, 0)
    head = struct.pack("<16sHHI3QI6H", b"\x7fELF\2\1\1", 2, 62, 1, at, *tail)
    head += struct.pack("<IIQQQQQQ", 1, 7, PAGE, at, _KERNEL_AT, len(body), len(body), PAGE)
    note_at = 3 * PAGE, at + 2 * PAGE, _KERNEL_AT + 2 * PAGE
    head += struct.pack("<IIQQQQQQ", 4, 4, *note_at, len(about), len(about), 4)
    return head.ljust(PAGE, b"\0") + body


@dataclass(frozen=True, slots=True)
class Disc:
    """The parts of an ISO. Sizes and guards of `params` follow from the files.

    A guard goes before a kernel or ramdisk that begins as gzip does.
    """

    params: Params = NO_RAMDISK
    shim: bytes | None = None
    kernel: bytes | None = None
    ramdisk: bytes = b""

    def files(self) -> dict[str, bytes]:
        """Return the files behind the pre-stage, in the order of the loader's modules."""
        shim = debs.xen_shim().read_bytes() if self.shim is None else self.shim
        kernel = pv_kernel() if self.kernel is None else self.kernel
        params = replace(
            self.params,
            shim_size=len(shim),
            shim_line=LOG_ARGS.encode(),
            kernel_size=len(kernel),
            kernel_guard=len(_guard(kernel)),
            ramdisk_size=len(self.ramdisk),
            ramdisk_guard=len(_guard(self.ramdisk)),
        )
        files = {"xen-shim": shim, "params": params.encode(), "kernel": _guard(kernel) + kernel}
        return files | ({"ramdisk": _guard(self.ramdisk) + self.ramdisk} if self.ramdisk else {})


def _guard(file: bytes) -> bytes:
    return GUARD if file.startswith(b"\x1f\x8b") else b""


def write_disc(path: Path, prestage: Path, boot: Path, files: Mapping[str, bytes]) -> Path:
    """Write an ISO of the pre-stage, the boot loader of folder `boot`, and `files`."""
    config = _CONFIG.format(" --- ".join(["prestage", *files])).encode()
    loader = {name: (boot / name).read_bytes() for name in (BOOT_FILE, *MODULES)}
    whole = loader | {"isolinux.cfg": config, "prestage": prestage.read_bytes()} | dict(files)
    with path.open("w+b") as out:
        write_iso([IsoFile(name, content) for name, content in whole.items()], out, SharedBlocks())
    return path


def guest_line(machine: Machine) -> bytes:
    """Return the line in the guest's start_info, found in the memory of a machine that panicked."""
    (start_info,) = (at for at in machine.find(_MAGIC) if at % PAGE == 0)
    return machine.memory(start_info + _LINE_AT, LINE_SIZE).partition(b"\0")[0]
