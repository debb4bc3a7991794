"""Clocks that are wrong: by years, backwards between runs, or files of the future."""

import json
import os
import time
from collections.abc import Sequence
from functools import partial

import pytest

from tests.faults.scenarios import CONVERT, Trial, Words
from tests.support.cli import Result, in_child, shimtool_cli
from tests.support.kernel_builder import small_kernel

pytestmark = pytest.mark.usefixtures("small_shim")

YEAR = 365 * 24 * 3600


def at(trial: Trial, when: str, command: Words) -> Result:
    """Run a command where the clock says something else: "-3y" or "+20y"."""
    return shimtool_cli(*trial.words(command), faketime=when)


def touch_all(trial: Trial, seconds: int) -> None:
    for path in trial.dom0.root.rglob("*"):
        status = path.stat()
        moved = status.st_mtime_ns + seconds * 10**9
        os.utime(path, ns=(moved, moved))


def said(ended: Result) -> list[str]:
    """What became of each guest."""
    assert ended.code == 0, ended.err
    return [line.split()[1] for line in ended.out.splitlines() if "(hvm, shim" in line]


@pytest.mark.parametrize("years", [-50, -3, 0, 20])
def test_the_clock_is_as_far_off_as_is_said(years: int) -> None:
    now = partial(exec, "import time; print(time.time())")
    off = float(in_child(now, faketime=f"{years:+}y").out) - time.time()
    assert abs(off / YEAR - years) < 0.5


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
