"""Prove a boot ISO: it is whole, and boots what it says, in the way that its config says."""

from dataclasses import fields
from pathlib import Path

from shimtool.deferred import dataclass
from shimtool.errors import Fault, Location, fault, faults_kept, raise_all
from shimtool.model import Block, PreStage, PvGrubRequest
from shimtool.output import loader_config
from shimtool.output.boot_info import without_boot_info
from shimtool.output.iso_content import (
    BOOT_FILE,
    CONFIG_FILE,
    CPIO_PREFIX,
    GUARD,
    parameters,
)
from shimtool.output.iso_layout import PADDING, SECTOR
from shimtool.output.iso_manifest import Manifest, read_manifest
from shimtool.output.iso_reader import REDO, Iso
from shimtool.output.loader_config import PARAMETERS_FILE, RAMDISK_FILE
from shimtool.output.parameter_file import StoredFile, decode_parameters
from shimtool.system.digests import sha256
from shimtool.system.files import MIB
from shimtool.system.typed import DamagedDocumentError


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what was found to be right."""

    what: str
    found: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a config says of its ISO; None where it does not say."""

    guest: str | None = None
    vcpus: int | None = None
    command_line: str | None = None
    pvgrub: PvGrubRequest | None = None


def verify_iso(path: Path, wanted: Wanted | None = None) -> list[Check]:
    """Check an ISO: boot record, boot info table, files, both lines, hashes, padding.

    With `wanted`, also that it is this guest's. Raises ShimtoolError with everything that is wrong.
    """
    with Iso(path) as iso:
        checks = [Check("boot record", iso.boot_record())]
        manifest = read_manifest(iso, path)
        checks += [
            Check("guest", _owner(manifest, wanted or Wanted(), path)),
            Check("loader config", _loader_config(iso, manifest, path)),
        ]
        if manifest.pre_stage is not None:
            checks.append(Check("parameters", _told(iso, manifest, manifest.pre_stage, path)))
        faults: list[Fault] = []
        for name in manifest.files:
            with faults_kept(faults):
                checks.append(Check(name, _content(iso, name, manifest, path)))
        end = max(map(iso.end, iso.names()))
        padding = iso.length - -(-end // SECTOR) * SECTOR  # after the last file's last sector
        if padding < PADDING:
            faults.append(Fault("the padding at the end is missing", Location(path), remedy=REDO))
        raise_all(faults)
        return [*checks, Check("padding", f"{padding} bytes")]


def _owner(manifest: Manifest, wanted: Wanted, path: Path) -> str:
    """Compare the manifest with the guest's config."""
    if wanted.guest not in (None, manifest.guest):
        raise fault(
            f"this is not the boot ISO of {wanted.guest}, but of another guest",
            path,
            seen=manifest.guest,
            remedy=REDO,
        )
    told, asked = manifest.pre_stage, manifest.pvgrub
    pairs: dict[str, tuple[object, object]] = {
        "vCPUs": (wanted.vcpus, told.vcpus) if told else (None, None),
        "command line": (wanted.command_line, manifest.command_line),
        "request to PV GRUB": (wanted.pvgrub, asked) if asked else (None, None),
    }
    raise_all(
        Fault(f"the ISO has another {what} than the config", Location(path), f"{ours!r}", REDO)
        for what, (theirs, ours) in pairs.items()
        if theirs not in (None, ours)
    )
    return manifest.guest


def _loader_config(iso: Iso, manifest: Manifest, path: Path) -> str:
    """Compare the loader's config with what the manifest makes of it; return its APPEND line."""
    ramdisk = RAMDISK_FILE in manifest.files
    if manifest.pre_stage is None:
        both = manifest.shim_args, manifest.command_line
        wanted = loader_config.without_pre_stage(*both, ramdisk=ramdisk)
    else:
        wanted = loader_config.with_pre_stage(ramdisk=ramdisk)
    lines = _lines(iso.read(CONFIG_FILE, MIB))
    if lines != _lines(wanted):
        raise fault(
            f"the boot loader's config ({CONFIG_FILE}) was changed: other files or command lines"
            " than the ISO was made with",
            path,
            seen=" | ".join(lines),
            remedy=REDO,
        )
    return lines[-1].removeprefix("APPEND ")


def _lines(config: bytes) -> list[str]:
    """Return what ISOLINUX reads: no comments, no indentation."""
    text = config.decode(errors="surrogateescape")
    lines = [line.strip(" ") for line in text.split("\n")]
    return [line for line in lines if line and not line.startswith("#")]


def _told(iso: Iso, manifest: Manifest, pre_stage: PreStage, path: Path) -> str:
    """Compare what the pre-stage is told, field by field, with what the manifest makes of it."""
    stored = {
        name: StoredFile(listed.size, guarded=bool(listed.prefix_size))
        for name, listed in manifest.files.items()
    }
    lines = manifest.shim_args, manifest.command_line
    wanted = parameters(pre_stage, *lines, stored)
    try:
        found = decode_parameters(iso.read(PARAMETERS_FILE, MIB))
    except DamagedDocumentError as damage:
        what = f"{PARAMETERS_FILE} in the ISO is damaged"
        raise fault(what, path, seen=str(damage), remedy=REDO) from None
    raise_all(
        Fault(
            f"{PARAMETERS_FILE} in the ISO was changed: another {each.name.replace('_', ' ')}",
            Location(path),
            _shown(getattr(found, each.name)),
            REDO,
        )
        for each in fields(found)
        if getattr(found, each.name) != getattr(wanted, each.name)
    )
    vector = "the shim's own" if found.event_vector is None else f"{found.event_vector:#x}"
    block = f", a block of {found.block.size >> 20} MB made free" if found.block else ""
    return f"{found.vcpus} vCPUs, event vector {vector}{block}"


def _shown(value: object) -> str:
    match value:
        case Block(size, enough):
            return f"{size >> 20} MB, unless there are {enough >> 20}"
        case bytes():
            return value.decode(errors="surrogateescape")
        case StoredFile(size, guarded):
            return f"{size} bytes{' behind a guard' if guarded else ''}"
    return "none" if value is None else str(value)


def _content(iso: Iso, name: str, manifest: Manifest, path: Path) -> str:
    digest, listed = sha256(), manifest.files[name]
    if name == BOOT_FILE:
        digest.update(without_boot_info(iso.read(name, MIB)))
    else:
        for block in iso.blocks(name, listed.prefix_size):
            digest.update(block)
    hides = CPIO_PREFIX if manifest.pre_stage is None else GUARD
    allowed = (b"", hides) if name == RAMDISK_FILE else (b"",)
    guarded = iso.head(name, listed.prefix_size) in allowed
    if digest.hexdigest() != listed.sha256 or not guarded:
        raise fault(f"{name} in the ISO is damaged", path, seen=digest.hexdigest(), remedy=REDO)
    return f"{listed.size} bytes, sha256 {listed.sha256}"
