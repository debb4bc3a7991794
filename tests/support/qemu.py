"""A machine of plain QEMU (no Xen, no KVM) that boots an ISO from an AHCI CD-ROM.

Its first serial port and its port 0xe9 go to files, its monitor speaks QMP over a socket pair.
The machine is killed at the end of `running`, whatever happens.
"""

import json
import mmap
import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.cpu_limit import CpuLimit

PROGRAM = "qemu-system-x86_64"
_POLL = 0.05  # seconds
_TEXT_SCREEN, _COLUMNS, _ROWS = 0xB8000, 80, 25  # VGA text mode: a byte and its colour each


@dataclass(frozen=True, slots=True)
class BootLog:
    """What came out of the serial port until a pattern matched, after `seconds` of running."""

    text: str
    seconds: float


class Machine:
    """A running machine. Memory is in bytes and addressed physically, MiB only in `memory`."""

    def __init__(
        self, process: subprocess.Popen[bytes], monitor: socket.socket, folder: Path, memory: int
    ) -> None:
        self._process = process
        self._monitor = monitor.makefile("rwb")
        self._folder = folder
        self._memory = memory
        self._started = time.monotonic()
        json.loads(self._monitor.readline())  # the greeting
        self._ask("qmp_capabilities")

    def wait(self, until: re.Pattern[str], seconds: float = 900) -> BootLog:
        """Wait for `until` on the serial port; AssertionError when QEMU ends, or has used so
        many seconds of CPU time.
        """
        allowed = CpuLimit(self._process.pid, seconds)
        while True:
            ended = self._process.poll() is not None
            text = self.serial()
            if until.search(text):
                return BootLog(text, time.monotonic() - self._started)
            assert not ended, f"QEMU ended by itself; its serial port said:\n{text}"
            assert not allowed.is_over(), (
                f"no {until.pattern!r} in {seconds:g} s of CPU time; "
                f"the serial port said:\n{text}\n"
                f"the screen shows:\n{self.screen()}"
            )
            time.sleep(_POLL)

    def serial(self) -> str:
        """Return what came out of the serial port so far."""
        return (self._folder / "serial").read_text("utf-8", errors="backslashreplace")

    def xen_log(self) -> str:
        """Return what was written to port 0xe9, which a real Xen puts into its own log."""
        return (self._folder / "xen-log").read_text("utf-8", errors="backslashreplace")

    def halted(self) -> bool:
        """Whether the first processor waits for an interrupt."""
        answer = self._ask("human-monitor-command", **{"command-line": "info registers"})
        return " HLT=1" in str(answer)

    def screen(self) -> str:
        """Return the text on the screen, where boot loaders complain."""
        cells = self.memory(_TEXT_SCREEN, 2 * _COLUMNS * _ROWS)[::2]
        rows = (cells[at : at + _COLUMNS] for at in range(0, len(cells), _COLUMNS))
        lines = (row.replace(b"\0", b" ").decode("cp437").rstrip() for row in rows)
        return "\n".join(line for line in lines if line)

    def memory(self, start: int, size: int) -> bytes:
        """Return `size` bytes of memory."""
        saved = self._save(start, size)
        try:
            return saved.read_bytes()
        finally:
            saved.unlink()

    def find(self, wanted: bytes) -> list[int]:
        """Return the addresses at which all of memory holds `wanted`; the machine stands still."""
        self._ask("stop")
        saved = self._save(0, self._memory << 20)
        found: list[int] = []
        with saved.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as all_:
            at = all_.find(wanted)
            while at >= 0:
                found.append(at)
                at = all_.find(wanted, at + 1)
        saved.unlink()
        return found

    def _save(self, start: int, size: int) -> Path:
        path = self._folder / "memory"
        self._ask("pmemsave", val=start, size=size, filename=str(path))
        return path

    def _ask(self, command: str, **arguments: object) -> object:
        """Run a QMP command and return its result; AssertionError when QEMU refuses."""
        request = {"execute": command, "arguments": arguments}
        self._monitor.write(json.dumps(request).encode() + b"\n")
        self._monitor.flush()
        while "event" in (answer := json.loads(self._monitor.readline())):
            pass
        assert "return" in answer, f"{command}: {answer}"
        return answer["return"]


@contextmanager
def running(iso: Path, *, memory: int = 512, processors: int = 1) -> Iterator[Machine]:
    """Start a machine with `memory` MiB that boots `iso`; kill it in the end."""
    ours, theirs = socket.socketpair()
    with ours, tempfile.TemporaryDirectory(prefix="boot-") as name, theirs:
        folder = Path(name)
        (folder / "serial").touch()
        (folder / "xen-log").touch()
        command = _command(iso, memory, folder, theirs.fileno())
        with subprocess.Popen(
            [*command, "-smp", str(processors)], pass_fds=[theirs.fileno()]
        ) as process:
            try:
                theirs.close()  # else no end of file here when QEMU ends
                ours.settimeout(900)
                yield Machine(process, ours, folder, memory)
            finally:
                process.kill()


def boot(iso: Path, *, memory: int = 512, seconds: float = 900, until: re.Pattern[str]) -> BootLog:
    """Boot `iso` until the serial port says `until`; AssertionError after `seconds` of CPU time."""
    with running(iso, memory=memory) as machine:
        return machine.wait(until, seconds)


def _command(iso: Path, memory: int, folder: Path, monitor: int) -> list[str]:
    """Spell out QEMU's command line: a reboot or power-off only stops the machine."""
    escaped = str(iso).replace(",", ",,")
    return [
        *(PROGRAM, "-nodefaults", "-accel", "tcg", "-cpu", "max", "-m", str(memory)),
        *("-display", "none", "-vga", "std", "-action", "reboot=shutdown,shutdown=pause"),
        *("-serial", f"file:{folder / 'serial'}"),
        *("-debugcon", f"file:{folder / 'xen-log'}", "-global", "isa-debugcon.iobase=0xe9"),
        *("-chardev", f"socket,id=monitor,fd={monitor}", "-mon", "chardev=monitor,mode=control"),
        # SeaBIOS reads AHCI by DMA, IDE byte by byte.
        *("-device", "ahci,id=ahci", "-device", "ide-cd,bus=ahci.0,drive=cd,bootindex=0"),
        *("-drive", f"if=none,id=cd,media=cdrom,readonly=on,format=raw,file={escaped}"),
    ]
