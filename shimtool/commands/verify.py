"""Prove an output: an ISO by itself; a config by the files of ours that it names."""

from pathlib import Path

from shimtool.assets import Assets
from shimtool.commands.verify_iso import Check, Wanted, verify_iso
from shimtool.configs.parse import Config, open_config
from shimtool.errors import Fault, fault, faults_kept, os_error, raise_all
from shimtool.model import BootloaderBoot, KernelBoot
from shimtool.model.outputs import DEVICE_MODEL_SCRIPT, OutputKind
from shimtool.output.iso_reader import REDO
from shimtool.plan import pvgrub
from shimtool.plan.bootloader import xl_command_line
from shimtool.system.digests import sha256_of
from shimtool.system.files import MIB, open_named, read_named, size_of

_ISO_MAGIC_AT = 0x8001


def verify(path: Path, out: Path, host_out: str, assets: Assets) -> list[Check]:
    """Check an ISO or a config that convert wrote; `out` is where dom0's `host_out` is here.

    Raises ShimtoolError with everything that is wrong.
    """
    if _is_iso(path):
        return verify_iso(path)
    return verify_config(open_config(path), out, host_out.rstrip("/"), assets)


def _is_iso(path: Path) -> bool:
    with open_named(path) as file:
        try:
            file.seek(_ISO_MAGIC_AT)
            return file.read(5) == b"CD001"
        except OSError as error:
            raise os_error(error, "read", path) from None


def verify_config(config: Config, out: Path, host_out: str, assets: Assets) -> list[Check]:
    """Check that every file of ours that the config names is there, whole, and this guest's."""
    checks: list[Check] = []
    faults: list[Fault] = []
    for what, dom0_path in config.outputs_named():
        folder, _slash, file = dom0_path.rpartition("/")
        here = out / file
        with faults_kept(faults):
            if folder != host_out or file in ("", "..") or not here.is_file():
                raise fault(
                    f"the config names a {what} that is not in {host_out}",
                    config.path,
                    seen=dom0_path,
                    remedy="give --out and --host-out as they were at convert, or convert again",
                )
            checks += _named_file(what, here, assets, config)
    raise_all(faults)
    return checks


def _named_file(what: OutputKind, here: Path, assets: Assets, config: Config) -> list[Check]:
    match what:
        case OutputKind.ISO:
            return verify_iso(here, _wanted(config))
        case OutputKind.DEVICE_MODEL:
            return [_device_model(here, assets)]
    with open_named(here) as file:
        digest, size = sha256_of(file), size_of(file)
    if not here.name.endswith(digest[:16]):
        raise fault(f"the {what} is damaged", here, seen=digest, remedy=REDO)
    return [Check(what, f"{size} bytes, sha256 {digest}")]


def _wanted(config: Config) -> Wanted:
    """Return what the config says of its ISO: also what it had for its kernel, or for pygrub."""
    guest, before = config.guest(), config.before()
    match before.boot if before else None:
        case KernelBoot() if before:
            return Wanted(guest.name, guest.vcpus, xl_command_line(before))
        case BootloaderBoot() as boot if before:
            asked = pvgrub.request(before, boot)
            return Wanted(guest.name, guest.vcpus, pvgrub=asked)
    return Wanted(guest.name, guest.vcpus)


def _device_model(here: Path, assets: Assets) -> Check:
    data = read_named(here, MIB)
    if data != assets.device_model.read_bytes():
        raise fault("the device-model script is not the one of this shimtool", here, remedy=REDO)
    if not here.stat().st_mode & 0o100:
        raise fault("the device-model script is not executable", here, remedy=f"chmod 700 {here}")
    return Check(OutputKind.DEVICE_MODEL, DEVICE_MODEL_SCRIPT)
