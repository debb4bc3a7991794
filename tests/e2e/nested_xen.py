"""A real Xen, nested: QEMU TCG boots the host, or resumes its snapshot, and runs scripts in dom0.

    folder --mke2fs--> /guest in dom0;  machine.run(script) -> Output;  logs stream to files

One vCPU and single-threaded TCG: with more, about one boot in ten stalls or dies.
"""

import contextlib
import fcntl
import hashlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.guest_agent import Agent, Monitor, NoAnswerError, Output
from tests.e2e.slots import slots
from tests.support.cpu_limit import CpuLimit
from tests.support.programs import run

# AMD for SVM, all that TCG can nest; a Zen family, as Xen writes an MSR that family 15 lacks.
CPU = "qemu64,family=23,model=1,stepping=2,+svm,+npt"
MEMORY, DOM0_MEMORY = "3G", "1024M"
DISK_SIZE = 4 << 30  # always the same: it is part of the snapshot
BOOT_LIMIT, RESUME_LIMIT = 180.0, 180.0  # seconds of QEMU's CPU time
# Seconds of QEMU's CPU time for a quick script. Of that the guest may take most: on a machine with
# twice as many of these hosts as cores, 60 were not enough once.
ANSWER_LIMIT = 180.0
# What must answer before the snapshot is taken; nothing half written stays in memory.
HOST_IS_UP = "until xl list && pgrep -x xenconsoled; do sleep 1; done; sync"
XEN_OPTIONS = (
    f"console=com1 com1=115200,8n1 dom0_mem={DOM0_MEMORY},max:{DOM0_MEMORY} "
    "loglvl=all guest_loglvl=all noreboot"
)


def tail(path: Path, lines: int = 25) -> str:
    """Return the last lines of a log, under its name."""
    text = path.read_text(errors="backslashreplace") if path.exists() else ""
    full = [line for line in text.replace("\r", "").splitlines() if line.strip()]
    last = "\n".join(full[-lines:])
    return f"--- {path.name}\n{last or '(empty)'}"


class NestedXenError(AssertionError):
    """The host or a guest did not do what was waited for; shows the end of every log."""

    def __init__(self, message: str, logs: Path) -> None:
        shown = [tail(path) for path in sorted(logs.glob("*.log"))]
        super().__init__("\n".join([message, f"logs: {logs}", *shown]))


class SilentHostError(NestedXenError):
    """Dom0 did not answer in its time."""


def _argv(parts: Path, disk: Path, sockets: Path, log: Path) -> list[str]:
    """Return QEMU's command line; it dies with this process, however that ends."""
    kernel = f"{parts / 'vmlinuz'} console=hvc0 quiet,{parts / 'initrd'}"
    root = f"if=none,id=root,file={parts / 'dom0.img'},format=raw,readonly=on"
    data = f"if=none,id=data,file={disk},format=raw,cache=unsafe"
    return [
        *("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-name", "shimtool-e2e"),
        *("-accel", "tcg,thread=single", "-cpu", CPU, "-smp", "1", "-m", MEMORY),
        *("-nodefaults", "-display", "none", "-nic", "none"),
        *("-kernel", str(parts / "xen"), "-initrd", kernel, "-append", XEN_OPTIONS),
        *("-drive", root, "-device", "virtio-blk-pci,drive=root"),
        *("-drive", data, "-device", "virtio-blk-pci,drive=data"),
        *("-device", "virtio-serial-pci", "-device", "virtserialport,chardev=agent,nr=1"),
        *("-chardev", f"socket,id=agent,path={sockets / 'agent'},server=on,wait=off"),
        *("-qmp", f"unix:{sockets / 'qmp'},server=on,wait=off"),
        *("-chardev", f"file,id=serial,path={log},append=on", "-serial", "chardev:serial"),
    ]


class Machine:
    """One running host. Use `machine()`."""

    def __init__(
        self,
        parts: Path,
        disk: Path,
        logs: Path,
        snapshot: Path | None,
        devices: Sequence[str] = (),
    ) -> None:
        self.logs = logs
        self._sockets = Path(tempfile.mkdtemp(prefix="e2e-"))  # short: a socket's path is
        incoming = ["-incoming", f"exec:cat '{snapshot}'"] if snapshot else []
        argv = _argv(parts, disk, self._sockets, logs / "host.log")
        with (logs / "qemu.log").open("wb") as errors:
            self._qemu = subprocess.Popen(
                [*argv, *devices, *incoming], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors
            )
        try:
            self.monitor = Monitor(self._sockets / "qmp", self._qemu.pid)
            self._agent = Agent(self._sockets / "agent", self._qemu.pid)
            if snapshot:
                self.monitor.resume()
        except NoAnswerError as error:
            self.stop()
            raise NestedXenError(f"QEMU did not start: {error}", logs) from error

    def greet(self, limit: float) -> None:
        """Wait until dom0 runs scripts."""
        try:
            self._agent.greet(limit)
        except NoAnswerError as error:
            raise NestedXenError(f"host did not come up: {error}", self.logs) from error

    def run(self, script: str, limit: float = ANSWER_LIMIT) -> Output:
        """Run a script in dom0 within `limit` seconds of CPU time; dom0.log keeps its output."""
        started = time.monotonic()
        try:
            output = self._agent.run(script, limit)
        except NoAnswerError as error:
            raise SilentHostError(
                f"dom0 does not answer to {script!r}: {error}", self.logs
            ) from error
        with (self.logs / "dom0.log").open("a") as log:
            took = time.monotonic() - started
            log.write(f"$ {script}\n{output.text.rstrip()}\n[exit {output.code}, {took:.1f} s]\n")
        return output

    def limit(self, seconds: float) -> CpuLimit:
        """Allow so many seconds of QEMU's CPU time from now on."""
        return CpuLimit(self._qemu.pid, seconds)

    def stop(self) -> None:
        if self._qemu.poll() is None:
            self._qemu.kill()
        self._qemu.wait()
        shutil.rmtree(self._sockets, ignore_errors=True)


def make_disk(path: Path, folder: Path | None = None) -> None:
    """Make dom0's second disk, with the content of `folder`."""
    with path.open("wb") as file:
        file.truncate(DISK_SIZE)
    options: list[str | Path] = ["-O", "^has_journal", "-E", "lazy_itable_init=1"]
    options += ["-d", folder] if folder else []
    run(["mke2fs", "-q", "-F", "-t", "ext4", *options, path])


def snapshot(parts: Path) -> Path:
    """Return a saved state of the booted host, making it (about 15 s) the first time."""
    code = Path(__file__).read_bytes()  # command line and sizes are in the state
    path = parts / f"snapshot-{hashlib.sha256(code).hexdigest()[:12]}"
    with (parts / ".snapshot.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            for old in parts.glob("snapshot-*"):
                old.unlink()
            _take(parts, path)
    return path


def _take(parts: Path, path: Path) -> None:
    logs = parts / "boot-logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir()
    with tempfile.TemporaryDirectory(prefix="e2e-disk-") as folder:
        disk = Path(folder) / "disk.img"
        make_disk(disk)
        machine = Machine(parts, disk, logs, None)
        try:
            machine.greet(BOOT_LIMIT)
            machine.run(HOST_IS_UP, BOOT_LIMIT)
            fresh = path.with_name(".snapshot.new")
            machine.monitor.save(fresh)
            fresh.rename(path)
        finally:
            machine.stop()


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a host's logs stay, and the folder it gets as /guest."""

    logs: Path
    guest: Path


@contextlib.contextmanager
def machine(parts: Path, kept: Kept) -> Iterator[Machine]:
    """Resume the host in a place of its own, with `kept.guest` at /guest; stop it at the end."""
    with slots(), started(parts, kept, snapshot(parts)) as made:
        yield made


@contextlib.contextmanager
def started(
    parts: Path, kept: Kept, saved: Path | None, devices: Sequence[str] = ()
) -> Iterator[Machine]:
    """Resume the host, or boot it with more `devices`, in a place that the caller holds."""
    shutil.rmtree(kept.logs, ignore_errors=True)
    kept.logs.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="e2e-disk-") as folder:
        disk = Path(folder) / "disk.img"
        make_disk(disk, kept.guest)
        made = Machine(parts, disk, kept.logs, saved, devices)
        try:
            made.greet(RESUME_LIMIT if saved else BOOT_LIMIT)
            mounted = made.run("blockdev --flushbufs /dev/vdb && mount -t ext4 /dev/vdb /guest")
            assert mounted.code == 0, mounted.text
            yield made
        finally:
            made.stop()
