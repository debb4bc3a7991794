"""What a boot ISO holds, file by file, as pieces that can be copied without holding them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from shimtool import __version__
from shimtool.assets import Assets
from shimtool.deferred import dataclass
from shimtool.model import BootImage, Payload, PreStage, SourceFile
from shimtool.output import loader_config
from shimtool.output.boot_info import without_boot_info
from shimtool.output.loader_config import (
    KERNEL_FILE,
    PARAMETERS_FILE,
    PRE_STAGE_FILE,
    RAMDISK_FILE,
    SHIM_FILE,
)
from shimtool.output.parameter_file import GUARD_SIZE, Parameters, StoredFile, encode_parameters
from shimtool.plan.command_line import LOADER_KERNEL_FILE
from shimtool.system.digests import sha256

MANIFEST_FILE = "shimtool.json"
CATALOG_FILE = "boot.cat"
CONFIG_FILE = "isolinux.cfg"
BOOT_FILE = "isolinux.bin"
MODULES = ("ldlinux.c32", "libcom32.c32", "mboot.c32")

# mboot.c32 unzips whatever begins with gzip's magic, and keeps only the first member. The pre-stage
# takes an empty page before the ramdisk away; without it, Linux skips an empty newc cpio archive.
GUARD = bytes(GUARD_SIZE)
CPIO_PREFIX = (
    b"070701" + b"00000000" * 4 + b"00000001" + b"00000000" * 6 + b"0000000b" + b"00000000"
    b"TRAILER!!!\0"
).ljust(512, b"\0")


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


@dataclass(frozen=True, slots=True)
class Sources:
    """What an ISO is made of; `kernel` is the file to store, unpacked where planned."""

    shim: SourceFile
    kernel: SourceFile
    payload: Payload


def iso_files(image: BootImage, of: Sources, assets: Assets, *, guest: str) -> list[IsoFile]:
    """List the ISO's files in order."""
    loader = [_part(name, assets) for name in (BOOT_FILE, *MODULES)]
    payload = _payload(image, of)
    ramdisk = payload[-1].name == RAMDISK_FILE
    if image.pre_stage is None:
        lines = image.shim_args, image.command_line
        config = loader_config.without_pre_stage(*lines, ramdisk=ramdisk)
        listed = [*loader, IsoFile(CONFIG_FILE, config), *payload]
    else:
        config = loader_config.with_pre_stage(ramdisk=ramdisk)
        told = encode_parameters(_parameters(image, image.pre_stage, payload))
        before = [_part(PRE_STAGE_FILE, assets), IsoFile(PARAMETERS_FILE, told)]
        listed = [*loader, IsoFile(CONFIG_FILE, config), *before, *payload]
    return [IsoFile(MANIFEST_FILE, _manifest(guest, image, of.payload, listed)), *listed]


def _part(name: str, assets: Assets) -> IsoFile:
    return IsoFile(name, (assets.boot / name).read_bytes())


def _payload(image: BootImage, of: Sources) -> list[IsoFile]:
    alone = image.pre_stage is None
    kernel_file = LOADER_KERNEL_FILE if alone else KERNEL_FILE
    files = [IsoFile(SHIM_FILE, source=of.shim), IsoFile(kernel_file, source=of.kernel)]
    ramdisk = of.payload.ramdisk
    if ramdisk is not None and ramdisk.file.size:  # an empty one is none
        hides = CPIO_PREFIX if alone else GUARD
        files.append(IsoFile(RAMDISK_FILE, hides if image.hide_gzip else b"", ramdisk.file))
    return files


def _parameters(image: BootImage, pre_stage: PreStage, payload: Sequence[IsoFile]) -> Parameters:
    stored = {
        file.name: StoredFile(file.size - len(file.prefix), guarded=bool(file.prefix))
        for file in payload
    }
    return parameters(pre_stage, image.shim_args, image.command_line, stored)


def parameters(
    pre_stage: PreStage, shim_args: str, command_line: str, stored: Mapping[str, StoredFile]
) -> Parameters:
    """Return what the pre-stage is told of a guest whose files are `stored`, by their names."""
    return Parameters(
        vcpus=pre_stage.vcpus,
        shim=stored[SHIM_FILE],
        kernel=stored[KERNEL_FILE],
        ramdisk=stored.get(RAMDISK_FILE),
        shim_line=shim_args.encode(errors="surrogateescape"),
        guest_line=command_line.encode(errors="surrogateescape"),
        event_vector=pre_stage.event_vector,
        block=pre_stage.block,
        verbose=pre_stage.verbose,
    )


def _manifest(guest: str, image: BootImage, payload: Payload, files: Sequence[IsoFile]) -> bytes:
    """Say whose ISO it is, what it boots, and of every other file: after `prefix_size` bytes of
    ours come `size` bytes with this `sha256`.
    """
    kernel = payload.kernel.file
    document = {
        "shimtool": __version__,
        "guest": guest,
        "shim": {"name": image.shim.name, "version": image.shim.version},
        "shim_args": image.shim_args,
        "kernel": {"path": kernel.dom0_path, "sha256": kernel.sha256, "unpacked": image.unpack},
        "command_line": image.command_line,
        "pre_stage": image.pre_stage and asdict(image.pre_stage),
        "pvgrub": payload.pvgrub and asdict(payload.pvgrub),
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
    return {"sha256": sha256(content).hexdigest(), "size": len(content), "skip": 0}
