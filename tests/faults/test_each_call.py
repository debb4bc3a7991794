"""Killed, or refused by the system, at each system call that a run makes on its files."""

from pathlib import Path

import pytest

from tests.faults import strace
from tests.faults.scenarios import STORIES, Stage, finish
from tests.support.dom0 import Dom0


def stage_of(name: str, folder: Path) -> Stage:
    return Stage(Dom0(folder / "dom0"), STORIES[name], guests=("two",))


@pytest.mark.parametrize("name", ["again", "in-place-again", "restore"])
def test_killed_before_each_change(name: str, tmp_path: Path) -> None:
    stage, log = stage_of(name, tmp_path), tmp_path / "strace"
    words = stage.words(stage.story.command)
    stage.rewind()
    for call in strace.calls(words, stage.dom0.root, strace.CHANGES, log):
        print("killed before", call)
        stage.rewind()
        strace.inject(words, call, "signal=KILL", log)
        stage.check_interrupted()
        finish(stage)


@pytest.mark.parametrize(
    ("name", "error", "names"),
    [
        ("again", "EIO", strace.CHANGES + strace.READS),
        ("in-place-again", "ENOSPC", strace.CHANGES),
        ("restore", "EIO", strace.CHANGES + strace.READS),
    ],
)
def test_refused_at_each_call(
    name: str, error: str, names: tuple[str, ...], tmp_path: Path
) -> None:
    """One plain error, old outputs as they were, and nothing unfinished stays."""
    stage, log = stage_of(name, tmp_path), tmp_path / "strace"
    words = stage.words(stage.story.command)
    stage.rewind()
    for call in strace.one_of_each(strace.calls(words, stage.dom0.root, names, log)):
        print(f"{error} from", call)
        stage.rewind()
        done = strace.inject(words, call, f"error={error}", log)
        assert "Traceback" not in done.err, done.err
        assert done.code in (0, 1), done
        assert (done.code == 1) == ("error: " in done.err), done
        stage.check_interrupted()
        finish(stage)
