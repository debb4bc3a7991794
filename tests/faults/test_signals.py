"""Ctrl-C and SIGTERM end a run at once, however many guests are at work: all that is done is told,
nothing is half-written, nothing goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shimtool.system.staging import PREFIX
from tests.payload.guest_disk import attacks
from tests.support.dom0 import Dom0

MIB = 1 << 20
CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}
QUICK = [f"a{number}" for number in range(5)]
SLOW = [f"b{number}" for number in range(4)]
# Seconds of processor time to end in: usually 1, 3.5 beside two nested machines; 12 to read all.
SOON = 6.0
Running = subprocess.Popen[bytes]


def guest_with_a_ramdisk_of(dom0: Dom0, name: str, size: int) -> None:
    """Zeros take no room and yet have to be hashed and copied."""
    with (dom0.boot / f"{name}.ramdisk").open("wb") as file:
        file.truncate(size)
    text = f"name = '{name}'\nkernel = '/boot/vmlinuz-guest'\nramdisk = '/boot/{name}.ramdisk'\n"
    dom0.config(f"{name}.cfg", text + "memory = 512\n")


@contextmanager
def at_work(
    dom0: Dom0, jobs: int, *more: str, tracer: Sequence[str | Path] = ()
) -> Iterator[Running]:
    words = list(map(str, dom0.words("convert", "--verbose", "--jobs", str(jobs), *more)))
    with (dom0.root / "said").open("wb") as said, subprocess.Popen(
        # As a terminal's: in the background of a script Ctrl-C is ignored, by children too.
        ["env", "--default-signal=INT", *tracer, sys.executable, "-m", "shimtool", *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_until(true: Callable[[], bool], process: Running) -> None:
    while not true():
        assert process.poll() is None, "it ended before the moment came"
        time.sleep(0.005)


def cpu_of(process: Running) -> float:
    """Seconds of processor time that a process has taken so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ended_soon(process: Running, number: signal.Signals) -> None:
    """Send a signal; nothing of the process may be left, and not much be done until then."""
    before = cpu_of(process)
    process.send_signal(number)
    os.kill(process.pid, signal.SIGCONT)  # if stopped; send_signal would reap it if ended
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == CODES[number]
    assert usage.ru_utime + usage.ru_stime - before < SOON
    for _ in range(2000):  # its children were sent SIGKILL, which may take an instant
        if not group_of(process):
            return
        time.sleep(0.005)
    raise AssertionError(f"still there: {group_of(process)}")


def group_of(process: Running) -> list[int]:
    """The process and its children; no zombies, for which there may be no one to wait."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _parent, group = path.read_text().rpartition(")")[2].split()[:3]
            if int(group) == process.pid and state not in "ZX":
                found.append(int(path.parent.name))
    return found


def stopped_child(process: Running) -> bool:
    """Stop one that reads a guest's disk: it cannot end by itself any more.

    One that is confined (seccomp comes last), as only then it dies with its parent.
    """
    for each in group_of(process):
        with suppress(FileNotFoundError, ProcessLookupError):
            if each != process.pid and "Seccomp:\t2\n" in Path(f"/proc/{each}/status").read_text():
                os.kill(each, signal.SIGSTOP)
                return True
    return False


def wait_for_stop(process: Running) -> None:
    """Wait until strace has stopped it, and end strace, which else does so in each thread."""
    how = os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    assert how
    assert how.si_code == os.CLD_STOPPED, how
    os.kill(tracer_of(process), signal.SIGKILL)
    wait_until(lambda: not tracer_of(process), process)


def tracer_of(process: Running) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("TracerPid:")[2].split()[0])


def recorded(dom0: Dom0) -> set[str]:
    return {each["name"] for each in json.loads((dom0.out / "shimtool.yaml").read_text())["guests"]}


def check_whole(dom0: Dom0) -> None:
    """What the report names is there and as it says; nothing else is, nor anything unfinished."""
    done = recorded(dom0)
    shared = {"shimtool.yaml", ".lock"}
    files = {f"{name}{suffix}" for name in done for suffix in (".iso", ".cfg")}
    assert {path.name for path in dom0.out.iterdir()} - {"shimtool-dm"} == files | shared
    assert not done or dom0.run("status").code == 0
    assert "Traceback" not in (dom0.root / "said").read_text()


@pytest.mark.parametrize("number", CODES)
def test_while_files_are_read(dom0: Dom0, number: signal.Signals) -> None:
    """Guests that were done behind one that is at work are in the report, too."""
    for name in [*SLOW, *QUICK]:
        guest_with_a_ramdisk_of(dom0, name, 4000 * MIB if name in SLOW[:3] else MIB)
    (dom0.configs / "b0.cfg").rename(dom0.configs / "0.cfg")  # the first of all
    said = dom0.root / "said"

    def ready() -> bool:
        text = said.read_text()
        reading = all(f"read: {dom0.boot}/{name}.ramdisk\n" in text for name in SLOW)
        return reading and all(f"write: {dom0.out}/{name}.cfg\n" in text for name in QUICK)

    with at_work(dom0, jobs=4) as process:
        wait_until(ready, process)
        ended_soon(process, number)
    assert {*QUICK} <= recorded(dom0) <= {*QUICK, "b3"}
    check_whole(dom0)


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("number", CODES)
def test_while_files_are_written(dom0: Dom0, number: signal.Signals, jobs: int) -> None:
    """It stands still at the eighth of the 8 MiB each that it copies: the moment cannot pass."""
    for name in SLOW:
        guest_with_a_ramdisk_of(dom0, name, 200 * MIB)
    tracer = (
        *("strace", "-D", "-f", "-o", dom0.root / "strace", "-e", "trace=copy_file_range,sendfile"),
        *("-e", "inject=copy_file_range,sendfile:signal=STOP:when=8"),
    )
    with at_work(dom0, jobs, tracer=tracer) as process:
        wait_for_stop(process)
        unfinished = [path.stat().st_size for path in dom0.out.glob(f"{PREFIX}*")]
        assert sum(unfinished) > 40 * MIB
        ended_soon(process, number)
    assert recorded(dom0) < {*SLOW}, "it did all that was left"
    check_whole(dom0)


@pytest.mark.parametrize("jobs", [1, 4])
@pytest.mark.parametrize("number", CODES)
def test_while_guests_disks_are_read(
    dom0: Dom0, tmp_path: Path, number: signal.Signals, jobs: int
) -> None:
    """The process that reads one ends with ours, though it is stopped."""
    image = attacks.thin_tree(tmp_path)  # without end, so that there is time to stop who reads it
    for guest in range(8):
        name = f"c{guest}"
        text = f"name = '{name}'\nbootloader = 'pygrub'\nmemory = 512\n"
        dom0.config(f"{name}.cfg", text + f"disk = ['file:{image},xvda,w']\n")
    with at_work(dom0, jobs, "--extract") as process:
        wait_until(lambda: stopped_child(process), process)
        ended_soon(process, number)
    check_whole(dom0)
