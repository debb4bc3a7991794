"""Boot an ISO under plain QEMU, without Xen, until its shim has told what it was given.

The shim logs to the first serial port only when told so on its command line: a copy of the ISO
is booted whose loader config says that. All else in it is the ISO's, byte for byte.
"""

import io
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pycdlib

from shimtool.commands.boot_log import END, LOG_ARGS, BootReport, Span, parse_report
from shimtool.commands.verify import Check, verify_iso
from shimtool.errors import Fault, Location, ShimtoolError, os_error
from shimtool.output.iso_content import CONFIG_FILE, RAMDISK_FILE, isolinux_cfg
from shimtool.output.iso_manifest import Manifest, read_manifest
from shimtool.output.iso_reader import Iso
from shimtool.system.process import running

QEMU = "qemu-system-x86_64"
_POLL = 0.05  # seconds
_LAST_LINES = 15


def boot_test(path: Path, memory: int, seconds: float) -> list[Check]:
    """Boot an ISO with `memory` MiB; return what its shim reported, checked against the ISO.

    Raises ShimtoolError when the ISO is damaged, QEMU is missing, or the shim did not report
    within `seconds`.
    """
    verify_iso(path)
    with Iso(path) as iso:
        manifest = read_manifest(iso, path)
    log = _boot(path, manifest, memory, seconds)
    return _checked(parse_report(log), manifest, path, log)


def _boot(path: Path, manifest: Manifest, memory: int, seconds: float) -> str:
    """Return what the serial port said until the shim ended, or time was up."""
    with _talking(path, manifest) as iso:
        serial = iso.with_name("serial")
        serial.touch()
        deadline = time.monotonic() + seconds
        with running(_command(iso, serial, memory)) as machine:
            while time.monotonic() < deadline and machine.poll() is None:
                if END.search(_text(serial)):
                    break
                time.sleep(_POLL)
        return _text(serial)


@contextmanager
def _talking(path: Path, manifest: Manifest) -> Iterator[Path]:
    """Make a copy of the ISO whose shim logs to the serial port."""
    config = isolinux_cfg(LOG_ARGS, manifest.command_line, ramdisk=RAMDISK_FILE in manifest.files)
    try:
        with tempfile.TemporaryDirectory(prefix="shimtool-boot-") as folder:
            copy = Path(folder) / "copy.iso"
            shutil.copyfile(path, copy)
            with copy.open("r+b") as file:
                disc = pycdlib.PyCdlib()
                disc.open_fp(file)
                disc.modify_file_in_place(io.BytesIO(config), len(config), f"/{CONFIG_FILE}")
                disc.close()
            yield copy
    except OSError as error:
        raise os_error(
            error, "copy the ISO", error.filename or path, "point TMPDIR to a folder with room"
        ) from None


def _command(iso: Path, serial: Path, memory: int) -> list[str]:
    return [
        *(QEMU, "-nodefaults", "-no-user-config", "-accel", "tcg", "-cpu", "max", "-nic", "none"),
        *("-m", str(memory), "-display", "none", "-no-reboot", "-serial", f"file:{serial}"),
        # SeaBIOS reads AHCI by DMA, IDE byte by byte.
        *("-device", "ahci,id=ahci", "-device", "ide-cd,bus=ahci.0,drive=cd,bootindex=0"),
        *("-drive", f"if=none,id=cd,media=cdrom,readonly=on,format=raw,file={iso}"),
    ]


def _text(serial: Path) -> str:
    return serial.read_text("utf-8", errors="backslashreplace")


def _checked(report: BootReport, manifest: Manifest, path: Path, log: str) -> list[Check]:
    listed = manifest.files.get(RAMDISK_FILE)
    wanted = listed.size + listed.prefix_size if listed else None
    loaded = report.ramdisk.size if report.ramdisk else None
    if report.version is None:
        problem = "the shim did not start: the boot loader stopped before, or it was too slow"
    elif report.kernel is None:
        problem = "the shim started, and did not take the kernel"
    elif loaded != wanted and wanted is not None:
        problem = f"the shim was given {loaded or 0} bytes of the ramdisk's {wanted}"
    else:
        return _seen(report.version, report.kernel, loaded)
    lines = [line for line in log.splitlines() if line.strip()]
    detail = "\n".join(lines[-_LAST_LINES:])
    remedy = "see the last lines of its log above; more --memory or --timeout may help"
    raise ShimtoolError(Fault(problem, Location(path), report.panic, remedy, detail))


def _seen(version: str, kernel: Span, ramdisk: int | None) -> list[Check]:
    checks = [
        Check("shim", f"Xen {version} started"),
        Check("kernel", f"taken, for {kernel.start:#x}-{kernel.end:#x} in the guest's memory"),
    ]
    return [*checks, Check("ramdisk", f"{ramdisk} bytes")] if ramdisk is not None else checks
