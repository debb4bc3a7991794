"""Prove an output: an ISO is whole and boots what it says; a config names whole files of ours."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from shimtool.assets import Assets
from shimtool.configs.parse import Config, open_config
from shimtool.errors import Fault, Location, ShimtoolError, fault, os_error, raise_all
from shimtool.model.outputs import OutputKind
from shimtool.output.iso_content import (
    BOOT_FILE,
    CONFIG_FILE,
    CPIO_PREFIX,
    RAMDISK_FILE,
    isolinux_cfg,
    without_boot_info,
)
from shimtool.output.iso_manifest import Listed, Manifest, read_manifest
from shimtool.output.iso_reader import REDO, Iso
from shimtool.output.iso_writer import PADDING, SECTOR
from shimtool.plan.hvm import DEVICE_MODEL_SCRIPT
from shimtool.system.files import MIB, open_named, read_named, sha256_of, size_of

_ISO_MAGIC_AT = 0x8001


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what was found to be right."""

    what: str
    found: str


def verify(path: Path, out: Path, host_out: str, assets: Assets) -> list[Check]:
    """Check an ISO or a config that convert wrote; `out` is where dom0's `host_out` is here.

    Raises ShimtoolError with everything that is wrong.
    """
    if _is_iso(path):
        return verify_iso(path)
    return verify_config(open_config(path), out, host_out.rstrip("/"), assets)


def verify_iso(path: Path, guest: str | None = None) -> list[Check]:
    """Check an ISO: boot record, boot info table, list of files, loader config, hashes, padding.

    With `guest`, also that it is this guest's. Raises ShimtoolError with everything that is wrong.
    """
    with Iso(path) as iso:
        checks = [Check("boot record", iso.boot_record())]
        manifest = read_manifest(iso, path)
        checks += [
            Check("guest", _owner(manifest, guest, path)),
            Check("loader config", _loader_config(iso, manifest, path)),
        ]
        faults: list[Fault] = []
        for name, listed in manifest.files.items():
            try:
                checks.append(Check(name, _content(iso, name, listed, path)))
            except ShimtoolError as error:
                faults += error.faults
        end = max(map(iso.end, iso.names()))
        padding = iso.length - -(-end // SECTOR) * SECTOR  # after the last file's last sector
        if padding < PADDING:
            faults.append(Fault("the padding at the end is missing", Location(path), remedy=REDO))
        raise_all(faults)
        return [*checks, Check("padding", f"{padding} bytes")]


def _is_iso(path: Path) -> bool:
    with open_named(path) as file:
        try:
            file.seek(_ISO_MAGIC_AT)
            return file.read(5) == b"CD001"
        except OSError as error:
            raise os_error(error, "read", path) from None


def _owner(manifest: Manifest, guest: str | None, path: Path) -> str:
    if guest is not None and manifest.guest != guest:
        raise fault(
            f"this is not the boot ISO of {guest}, but of another guest",
            path,
            seen=manifest.guest,
            remedy=REDO,
        )
    return manifest.guest


def _loader_config(iso: Iso, manifest: Manifest, path: Path) -> str:
    """Compare the loader's config with what the manifest makes of it; return its APPEND line."""
    wanted = isolinux_cfg(
        manifest.shim_args, manifest.command_line, ramdisk=RAMDISK_FILE in manifest.files
    )
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


def _content(iso: Iso, name: str, listed: Listed, path: Path) -> str:
    digest = hashlib.sha256()
    if name == BOOT_FILE:
        digest.update(without_boot_info(iso.read(name, MIB)))
    else:
        for block in iso.blocks(name, listed.prefix_size):
            digest.update(block)
    guarded = name != RAMDISK_FILE or iso.head(name, listed.prefix_size) in (b"", CPIO_PREFIX)
    if digest.hexdigest() != listed.sha256 or not guarded:
        raise fault(f"{name} in the ISO is damaged", path, seen=digest.hexdigest(), remedy=REDO)
    return f"{listed.size} bytes, sha256 {listed.sha256}"


def verify_config(config: Config, out: Path, host_out: str, assets: Assets) -> list[Check]:
    """Check that every file of ours that the config names is there, whole, and this guest's."""
    checks: list[Check] = []
    faults: list[Fault] = []
    name = config.name
    for what, dom0_path in config.outputs_named():
        folder, _slash, file = dom0_path.rpartition("/")
        here = out / file
        try:
            if folder != host_out or file in ("", "..") or not here.is_file():
                raise fault(
                    f"the config names a {what} that is not in {host_out}",
                    config.path,
                    seen=dom0_path,
                    remedy="give --out and --host-out as they were at convert, or convert again",
                )
            checks += _named_file(what, here, assets, name.text if name else "")
        except ShimtoolError as error:
            faults += error.faults
    raise_all(faults)
    return checks


def _named_file(what: OutputKind, here: Path, assets: Assets, guest: str) -> list[Check]:
    match what:
        case OutputKind.ISO:
            return verify_iso(here, guest)
        case OutputKind.DEVICE_MODEL:
            return [_device_model(here, assets)]
    with open_named(here) as file:
        digest, size = sha256_of(file), size_of(file)
    if not here.name.endswith(digest[:16]):
        raise fault(f"the {what} is damaged", here, seen=digest, remedy=REDO)
    return [Check(what, f"{size} bytes, sha256 {digest}")]


def _device_model(here: Path, assets: Assets) -> Check:
    data = read_named(here, MIB)
    if data != assets.device_model.read_bytes():
        raise fault("the device-model script is not the one of this shimtool", here, remedy=REDO)
    if not here.stat().st_mode & 0o100:
        raise fault("the device-model script is not executable", here, remedy=f"chmod 700 {here}")
    return Check(OutputKind.DEVICE_MODEL, DEVICE_MODEL_SCRIPT)
