"""Clocks that are wrong: by years, backwards between runs, or files of the future."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.faults.scenarios import CONVERT, Trial, Words
from tests.support.kernel_builder import small_kernel

pytestmark = pytest.mark.usefixtures("small_shim")

YEAR = 365 * 24 * 3600
FAKETIME = ("faketime", "-f")


def at(trial: Trial, when: str, command: Words) -> "subprocess.CompletedProcess[str]":
    """Run a command of a real process whose clock says something else: "-3y" or "+20y"."""
    return subprocess.run(
        [*FAKETIME, when, sys.executable, "-m", "shimtool", *trial.words(command)],
        capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip


def touch_all(trial: Trial, seconds: int) -> None:
    for path in trial.dom0.root.rglob("*"):
        status = path.stat()
        moved = status.st_mtime_ns + seconds * 10**9
        os.utime(path, ns=(moved, moved))


def said(ended: "subprocess.CompletedProcess[str]") -> list[str]:
    """What became of each guest."""
    assert ended.returncode == 0, ended.stderr
    return [line.split()[1] for line in ended.stdout.splitlines() if "(hvm, shim" in line]


def fresh(trial: Trial) -> bool:
    ended = trial.run(("status", "--json"))
    return not any(guest["reasons"] for guest in json.loads(ended.said))


@pytest.mark.parametrize(
    "clocks", [("+20y", "-3y"), ("-20y", "+0"), ("-50y", "+10y"), ("+0", "-1y")]
)
def test_another_time_at_each_run(trial: Trial, clocks: Sequence[str]) -> None:
    """Unchanged is unchanged, changed is changed, and the bytes are the same."""
    trial.rewind()
    first, second = clocks
    assert said(at(trial, first, CONVERT)) == ["converted"] * 3
    trial.check_finished()
    assert said(at(trial, second, CONVERT)) == ["unchanged"] * 3
    trial.check_finished()
    assert fresh(trial)
    assert said(at(trial, first, (*CONVERT, "--force"))) == ["converted"] * 3
    trial.check_finished()
    (trial.dom0.boot / "vmlinuz").write_bytes(small_kernel(b"6.2.0"))
    assert said(at(trial, second, CONVERT)) == ["converted", "converted", "unchanged"]
    assert said(at(trial, first, CONVERT)) == ["unchanged"] * 3


@pytest.mark.parametrize("seconds", [-60 * YEAR, -YEAR, YEAR, 60 * YEAR])
def test_inputs_of_another_time(trial: Trial, seconds: int) -> None:
    """Times of files decide nothing: neither those of before the epoch nor those of 2080."""
    trial.rewind()
    touch_all(trial, seconds)
    for result in ("converted", "unchanged", "unchanged"):
        ended = trial.run()
        assert ended.code == 0
        assert ended.said.count(f": {result} (") == 3
        touch_inputs(trial)
    assert fresh(trial)


def touch_inputs(trial: Trial) -> None:
    """As after a copy of dom0's /boot and /etc/xen: other times, the same content."""
    for folder in (trial.dom0.boot, trial.dom0.configs):
        for path in folder.iterdir():
            os.utime(path)


@pytest.mark.parametrize("seconds", [-YEAR, 40 * YEAR])
def test_outputs_of_another_time(trial: Trial, seconds: int) -> None:
    """Outputs not as they were written are written again, once; then they are known."""
    trial.rewind()
    assert trial.run().code == 0
    for path in trial.dom0.out.iterdir():
        if path.suffix in (".iso", ".cfg"):
            status = path.stat()
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + seconds * 10**9))
    assert not fresh(trial)
    assert trial.run().said.count(": converted (") == 3
    assert trial.run().said.count(": unchanged (") == 3
    trial.check_finished()
    assert fresh(trial)


def test_a_kernel_replaced_in_the_same_moment_with_the_same_times(trial: Trial) -> None:
    """cp -p and rsync give a new file the old time; a slow clock gives it at each write."""
    trial.rewind()
    path = trial.dom0.boot / "vmlinuz"
    for number in range(20):
        status = path.stat()
        version = b"6.1.%d" % (number % 10)
        with path.open("r+b") as file:
            data = small_kernel(version)[: status.st_size].ljust(status.st_size, b"\0")
            file.write(data)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        ended = trial.run()
        assert ended.code == 0, ended.said
        assert ended.said.count(": converted (") >= 2, number
