"""Two runs at once: one works, the other is told so; readers and other outputs are not hindered."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from shimtool.system.staging import PREFIX
from tests.faults import strace
from tests.faults.scenarios import CONVERT, IN_PLACE, SCENARIOS, Trial, Words
from tests.support.dom0 import Dom0

pytestmark = pytest.mark.usefixtures("small_shim")

BUSY = "another shimtool is at work here"


_started: list["subprocess.Popen[str]"] = []


@pytest.fixture(autouse=True)
def none_stays() -> Iterator[None]:
    """A test that fails leaves no stopped process behind."""
    yield
    for process in _started:
        process.kill()
        process.wait()
    _started.clear()


def start(trial: Trial, command: Words) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "shimtool", *trial.words(command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _started.append(process)
    return process


def stopped(trial: Trial, command: Words, folder: Path) -> "subprocess.Popen[str]":
    """Start a run and stop it once its first file in `folder` is written, but not renamed."""
    log = trial.dom0.root.with_name("strace")
    trial.rewind()
    words = trial.words(command)
    found = strace.all_calls(words, folder, ["fsync"], log)
    call = next(call for call in found if str(folder / PREFIX) in call.text)
    trial.rewind()
    process = strace.stopped(words, call, log)
    _started.append(process)
    assert unfinished(folder)
    return process


def let_finish(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGCONT)
    _out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err


def unfinished(folder: Path) -> list[Path]:
    """Temporary files that hold something: from then on they are locked."""
    with suppress(FileNotFoundError):  # renamed just now
        return [path for path in folder.glob(".shimtool-*.tmp") if path.stat().st_size]
    return []


def test_the_second_is_told(trial: Trial) -> None:
    first = stopped(trial, CONVERT, trial.dom0.out)
    held = unfinished(trial.dom0.out)
    for command in (CONVERT, IN_PLACE, ("restore", str(trial.dom0.configs / "one.cfg"))):
        second = trial.run(command)  # the first one stands still: waiting for it has no end
        assert second.code == 1
        assert f"{trial.dom0.out}: {BUSY}" in second.said
        assert "do:   wait until it has ended" in second.said
        assert unfinished(trial.dom0.out) == held
    assert trial.run(("scan",)).code == 0
    let_finish(first)
    trial.check_finished()


@pytest.mark.parametrize("name", ["first", "again", "in-place-again"])
def test_at_the_same_moment(name: str, tmp_path: Path) -> None:
    trial = Trial(Dom0(tmp_path / "dom0"), SCENARIOS[name])
    for _ in range(3):
        trial.rewind()
        runs = [start(trial, trial.scenario.command) for _ in range(3)]
        ended = [(*each.communicate(timeout=900), each.returncode) for each in runs]
        assert 0 in [code for *_, code in ended], ended
        assert all(not code or (code == 1 and BUSY in err) for _, err, code in ended), ended
        trial.check_finished()


def test_in_place_on_the_same_configs_with_another_out(trial: Trial) -> None:
    """Each keeps the original; neither takes the other's unfinished files for left-overs."""
    first = stopped(trial, IN_PLACE, trial.dom0.configs)
    held = unfinished(trial.dom0.configs)
    other = trial.dom0.root / "other"
    words = [str(other) if word == str(trial.dom0.out) else word for word in trial.words(IN_PLACE)]
    second = subprocess.run(
        [sys.executable, "-m", "shimtool", *words], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in second.stderr
    assert set(held) <= set(unfinished(trial.dom0.configs))
    first.send_signal(signal.SIGCONT)
    _out, err = first.communicate(timeout=900)
    assert "Traceback" not in err
    for name in trial.guests:
        keepers = [out / "originals" / name / "original.cfg" for out in (trial.dom0.out, other)]
        originals = {path.read_bytes() for path in keepers if path.exists()}
        assert len(originals) == 1
        config = trial.dom0.configs / f"{name}.cfg"
        assert config.read_bytes() not in originals
    assert not unfinished(trial.dom0.configs)


def test_a_killed_run_holds_nothing(trial: Trial) -> None:
    first = stopped(trial, CONVERT, trial.dom0.out)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert trial.run().code == 0
    trial.check_finished()
