"""Prove an output: open the ISO or config and check all that a boot will rely on."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shimtool.assets import Assets
from shimtool.errors import Fault, ShimtoolError, Where, fault, from_os
from shimtool.plan.hvm import BOOT_CD_ID, DEVICE_MODEL_SCRIPT
from shimtool.read_iso import Iso
from shimtool.write.content import BOOT_FILE, CONFIG_FILE, GUARD, MANIFEST_FILE, RAMDISK_FILE
from shimtool.write.iso import PADDING
from shimtool.xl.syntax import Document, open_config

_SMALL = 1 << 20
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
    return verify_config(open_config(path), path, out, host_out, assets)


def verify_iso(path: Path) -> list[Check]:
    """Check boot record, boot info table, loader config, every file's hash, and the padding."""
    with Iso(path) as iso:
        faults: list[Fault] = []
        checks = [Check("boot record", iso.boot_record())]
        manifest = _manifest(iso, path)
        checks.append(Check("loader config", _loader_config(iso, path)))
        for name, facts in manifest["files"].items():
            try:
                checks.append(Check(name, _payload(iso, name, facts, path)))
            except ShimtoolError as error:
                faults += error.faults
        end = max(iso.end(name) for name in manifest["files"])
        if path.stat().st_size - end < PADDING:
            faults.append(Fault("the padding at the end is missing", Where(path), remedy=_REDO))
        if faults:
            raise ShimtoolError(*faults)
        return [*checks, Check("padding", f"{path.stat().st_size - end} bytes")]


_REDO = "convert its guest again with --force"


def _is_iso(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(_ISO_MAGIC_AT)
            return file.read(5) == b"CD001"
    except OSError as error:
        raise from_os(error, "read", path) from None


def _manifest(iso: Iso, path: Path) -> dict[str, Any]:
    try:
        document = json.loads(iso.read(MANIFEST_FILE, _SMALL))
        if not isinstance(document["files"], dict) or not document["files"]:
            raise ValueError("no files")
    except (ValueError, KeyError, TypeError, RecursionError):
        raise fault(
            "not an ISO of ours: its list of files is damaged", path, remedy=_REDO
        ) from None
    else:
        return dict(document)


def _loader_config(iso: Iso, path: Path) -> str:
    text = iso.read(CONFIG_FILE, _SMALL).decode(errors="surrogateescape")
    append = re.search(r"^ *APPEND (.*)$", text, re.MULTILINE)
    if not append:
        raise fault("the boot loader's config has no APPEND line", path, remedy=_REDO)
    names = [module.split(" ")[0] for module in append[1].split(" --- ")]
    if missing := [name for name in [*names, "mboot.c32", BOOT_FILE] if name not in iso.names()]:
        raise fault("the boot loader's config names missing files", path, seen=", ".join(missing))
    return " --- ".join(names)


def _payload(iso: Iso, name: str, facts: Mapping[str, Any], path: Path) -> str:
    try:
        skip, size, wanted = int(facts["skip"]), int(facts["size"]), str(facts["sha256"])
    except (KeyError, TypeError, ValueError):
        raise fault(f"the ISO's list says nothing usable of {name}", path, remedy=_REDO) from None
    digest = hashlib.sha256()
    for block in iso.blocks(name, skip):
        digest.update(block)
    guarded = name != RAMDISK_FILE or iso.head(name, skip) in (b"", GUARD)
    if digest.hexdigest() != wanted or iso.size(name) != skip + size or not guarded:
        raise fault(f"{name} in the ISO is damaged", path, seen=digest.hexdigest(), remedy=_REDO)
    return f"{size} bytes, sha256 {wanted}"


def verify_config(
    document: Document, path: Path, out: Path, host_out: str, assets: Assets
) -> list[Check]:
    """Check that every file of ours that the config names is there and whole."""
    checks: list[Check] = []
    faults: list[Fault] = []
    for what, dom0_path in _named(document, path):
        here = out / dom0_path.removeprefix(f"{host_out}/")
        try:
            if not dom0_path.startswith(f"{host_out}/") or not here.is_file():
                raise fault(
                    f"the config names a {what} that is not in {host_out}",
                    path,
                    seen=dom0_path,
                    remedy="give --out and --host-out as they were at convert, or convert again",
                )
            checks += _named_file(what, here, assets)
        except ShimtoolError as error:
            faults += error.faults
    if faults:
        raise ShimtoolError(*faults)
    return checks


def _named(document: Document, path: Path) -> Iterator[tuple[str, str]]:
    """Yield (what, dom0 path) for our files in the config."""
    if shim := document.string("pvshim_path"):
        yield "shim", shim.text
        kernel = document.string("kernel")
        if kernel and "/pvgrub-" in kernel.text:
            yield "PV GRUB image", kernel.text
        return
    script = document.string("device_model_override")
    arguments = document.strings("device_model_args_hvm") or ()
    drives = [arg.text for arg in arguments if f"id={BOOT_CD_ID}," in arg.text]
    if not script or not drives:
        raise fault("not a config of ours: it names no boot ISO and no shim", path)
    yield "device-model script", script.text
    yield "boot ISO", drives[0].partition(",file=")[2].replace(",,", ",")


def _named_file(what: str, here: Path, assets: Assets) -> list[Check]:
    if what == "boot ISO":
        return verify_iso(here)
    data = here.read_bytes()
    if what in ("shim", "PV GRUB image"):
        digest = hashlib.sha256(data).hexdigest()
        if not here.name.endswith(digest[:16]):
            raise fault(f"the {what} is damaged", here, seen=digest, remedy=_REDO)
        return [Check(what, f"{len(data)} bytes, sha256 {digest}")]
    if data != assets.device_model.read_bytes():
        raise fault("the device-model script is not the one of this shimtool", here, remedy=_REDO)
    if not here.stat().st_mode & 0o100:
        raise fault("the device-model script is not executable", here, remedy=f"chmod 700 {here}")
    return [Check(what, DEVICE_MODEL_SCRIPT)]
