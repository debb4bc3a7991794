"""Boot an ISO under plain QEMU, without Xen, until its shim has told what it was given.

The shim logs to the first serial port only when told so on its command line: a copy of the ISO
is booted that says that. All else in it is the ISO's, byte for byte.
"""

import io
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pycdlib

from shimtool.commands.boot_log import END, LOG_ARGS, BootReport, Span, guest_lines, parse_report
from shimtool.commands.verify_iso import Check, verify_iso
from shimtool.errors import Fault, Location, ShimtoolError, os_error
from shimtool.output.iso_content import CONFIG_FILE
from shimtool.output.iso_manifest import Manifest, read_manifest
from shimtool.output.iso_reader import Iso
from shimtool.output.loader_config import PARAMETERS_FILE, RAMDISK_FILE, without_pre_stage
from shimtool.output.parameter_file import decode_parameters, encode_parameters
from shimtool.system.files import MIB
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
        file, content = _talking(iso, manifest)
    with _copy(path, file, content) as copy:
        log, lines = _boot(copy, memory, seconds)
    return _checked(parse_report(log), lines, manifest, path, log)


def _boot(iso: Path, memory: int, seconds: float) -> tuple[str, list[bytes]]:
    """Return what the serial port said until the shim ended, or time was up, and the guest's line.

    Of the latter there may be several, if the guest's files hold what looks like one; none where
    the shim did not get so far: QEMU may not even have made its memory by then.
    """
    serial, ram = iso.with_name("serial"), iso.with_name("memory")
    serial.touch()
    deadline = time.monotonic() + seconds
    with running(_command(iso, serial, ram, memory)) as machine:
        while time.monotonic() < deadline and machine.poll() is None:
            if END.search(_text(serial)):
                break
            time.sleep(_POLL)
        said = _text(serial)
        return said, guest_lines(ram) if END.search(said) else []


def _talking(iso: Iso, manifest: Manifest) -> tuple[str, bytes]:
    """Return the file that holds the shim's line, and its content where that lets the shim log."""
    if manifest.pre_stage is not None:
        told = decode_parameters(iso.read(PARAMETERS_FILE, MIB))
        return PARAMETERS_FILE, encode_parameters(replace(told, shim_line=LOG_ARGS.encode()))
    ramdisk = RAMDISK_FILE in manifest.files
    return CONFIG_FILE, without_pre_stage(LOG_ARGS, manifest.command_line, ramdisk=ramdisk)


@contextmanager
def _copy(path: Path, name: str, content: bytes) -> Iterator[Path]:
    """Make a copy of an ISO in which one file has another content."""
    try:
        with tempfile.TemporaryDirectory(prefix="shimtool-boot-") as folder:
            copy = Path(folder) / "copy.iso"
            shutil.copyfile(path, copy)
            with copy.open("r+b") as file:
                disc = pycdlib.PyCdlib()
                disc.open_fp(file)
                disc.modify_file_in_place(io.BytesIO(content), len(content), f"/{name}")
                disc.close()
            yield copy
    except OSError as error:
        raise os_error(
            error, "copy the ISO", error.filename or path, "point TMPDIR to a folder with room"
        ) from None


def _command(iso: Path, serial: Path, ram: Path, memory: int) -> list[str]:
    return [
        *(QEMU, "-nodefaults", "-no-user-config", "-accel", "tcg", "-cpu", "max", "-nic", "none"),
        *("-machine", "memory-backend=ram", "-m", str(memory)),
        *("-object", f"memory-backend-file,id=ram,share=on,size={memory}M,mem-path={ram}"),
        *("-display", "none", "-no-reboot", "-serial", f"file:{serial}"),
        # SeaBIOS reads AHCI by DMA, IDE byte by byte.
        *("-device", "ahci,id=ahci", "-device", "ide-cd,bus=ahci.0,drive=cd,bootindex=0"),
        *("-drive", f"if=none,id=cd,media=cdrom,readonly=on,format=raw,file={iso}"),
    ]


def _text(serial: Path) -> str:
    return serial.read_text("utf-8", errors="backslashreplace")


def _checked(
    report: BootReport, lines: list[bytes], manifest: Manifest, path: Path, log: str
) -> list[Check]:
    listed = manifest.files.get(RAMDISK_FILE)
    # The pre-stage takes off what stands before it.
    kept = listed.prefix_size if listed and manifest.pre_stage is None else 0
    wanted = listed.size + kept if listed else None
    # A shim takes blanks off its front.
    line = manifest.command_line.encode(errors="surrogateescape").lstrip(b" ")
    loaded = report.ramdisk.size if report.ramdisk else None
    if report.version is None:
        problem = "the shim did not start: the boot loader stopped before, or it was too slow"
    elif report.kernel is None:
        problem = "the shim started, and did not take the kernel"
    elif loaded != wanted and wanted is not None:
        problem = f"the shim was given {loaded or 0} bytes of the ramdisk's {wanted}"
    elif lines and line not in lines:
        problem = f"the guest was given another command line: {lines[0].decode(errors='replace')}"
    else:
        return _seen(report.version, report.kernel, loaded, line if lines else None)
    said = [text for text in log.splitlines() if text.strip()]
    detail = "\n".join(said[-_LAST_LINES:])
    remedy = "see the last lines of its log above; more --memory or --timeout may help"
    raise ShimtoolError(Fault(problem, Location(path), report.panic, remedy, detail))


def _seen(version: str, kernel: Span, ramdisk: int | None, line: bytes | None) -> list[Check]:
    found = "not found in the guest's memory" if line is None else line.decode(errors="replace")
    checks = [
        Check("shim", f"Xen {version} started"),
        Check("kernel", f"taken, for {kernel.start:#x}-{kernel.end:#x} in the guest's memory"),
    ]
    if ramdisk is not None:
        checks.append(Check("ramdisk", f"{ramdisk} bytes"))
    return [*checks, Check("command line", found)]
