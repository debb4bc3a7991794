"""Two runs at once: one works, the other is told so; readers and other outputs are not hindered."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.scenarios import CONVERT, IN_PLACE, STORIES, Stage, Words
from tests.support.dom0 import Dom0

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


def start(stage: Stage, command: Words) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "shimtool", *stage.words(command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    _started.append(process)
    return process


def stopped(stage: Stage, command: Words, at: Callable[[], object]) -> "subprocess.Popen[str]":
    """Start a run and stop it (SIGSTOP) while `at` holds."""
    for _ in range(100):
        stage.rewind()
        process = start(stage, command)
        while process.poll() is None and not at():
            pass
        process.send_signal(signal.SIGSTOP)
        if process.poll() is None and at():
            return process
        process.send_signal(signal.SIGCONT)
        process.communicate()
    raise AssertionError("never stopped in time")


def let_finish(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGCONT)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


def unfinished(folder: Path) -> list[Path]:
    """Temporary files that hold something: from then on they are locked."""
    with suppress(FileNotFoundError):  # renamed just now
        return [path for path in folder.glob(".shimtool-*.tmp") if path.stat().st_size]
    return []


def test_the_second_is_told(stage: Stage) -> None:
    first = stopped(stage, CONVERT, lambda: unfinished(stage.dom0.out))
    held = unfinished(stage.dom0.out)
    for command in (CONVERT, IN_PLACE, ("restore", str(stage.dom0.configs / "one.cfg"))):
        began = time.monotonic()
        second = stage.run(command)
        assert time.monotonic() - began < 5
        assert second.code == 1
        assert f"{stage.dom0.out}: {BUSY}" in second.said
        assert "do:   wait until it has ended" in second.said
        assert unfinished(stage.dom0.out) == held
    assert stage.run(("scan",)).code == 0
    let_finish(first)
    stage.check_finished()


@pytest.mark.parametrize("name", ["first", "again", "in-place-again"])
def test_at_the_same_moment(name: str, tmp_path: Path) -> None:
    stage = Stage(Dom0(tmp_path / "dom0"), STORIES[name])
    for _ in range(3):
        stage.rewind()
        runs = [start(stage, stage.story.command) for _ in range(3)]
        ended = [(*each.communicate(timeout=60), each.returncode) for each in runs]
        assert 0 in [code for *_, code in ended], ended
        assert all(not code or (code == 1 and BUSY in err) for _, err, code in ended), ended
        stage.check_finished()


def test_in_place_on_the_same_configs_with_another_out(stage: Stage) -> None:
    """Each keeps the original; neither takes the other's unfinished files for left-overs."""
    first = stopped(stage, IN_PLACE, lambda: unfinished(stage.dom0.configs))
    held = unfinished(stage.dom0.configs)
    other = stage.dom0.root / "other"
    words = [str(other) if word == str(stage.dom0.out) else word for word in stage.words(IN_PLACE)]
    second = subprocess.run(
        [sys.executable, "-m", "shimtool", *words], capture_output=True, text=True, check=False
    )
    assert "Traceback" not in second.stderr
    assert set(held) <= set(unfinished(stage.dom0.configs))
    first.send_signal(signal.SIGCONT)
    _out, err = first.communicate(timeout=60)
    assert "Traceback" not in err
    for name in stage.guests:
        keepers = [out / "originals" / name / "original.cfg" for out in (stage.dom0.out, other)]
        originals = {path.read_bytes() for path in keepers if path.exists()}
        assert len(originals) == 1
        config = stage.dom0.configs / f"{name}.cfg"
        assert config.read_bytes() not in originals
    assert not unfinished(stage.dom0.configs)


def test_a_killed_run_holds_nothing(stage: Stage) -> None:
    first = stopped(stage, CONVERT, lambda: unfinished(stage.dom0.out))
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    assert stage.run().code == 0
    stage.check_finished()
