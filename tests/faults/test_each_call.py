"""Killed, or refused by the system, at each system call that a run makes on its files."""

from pathlib import Path

import pytest

from shimtool.system.staging import PREFIX, SUFFIX
from tests.faults import strace
from tests.faults.scenarios import SCENARIOS, Trial, finish
from tests.support.dom0 import Dom0

pytestmark = pytest.mark.usefixtures("small_shim")


def trial_of(name: str, folder: Path) -> Trial:
    return Trial(Dom0(folder / "dom0"), SCENARIOS[name], guests=("two",))


@pytest.mark.parametrize("name", ["again", "in-place-again", "restore"])
def test_killed_before_each_change(name: str, tmp_path: Path) -> None:
    trial, log = trial_of(name, tmp_path), tmp_path / "strace"
    words = trial.words(trial.scenario.command)
    trial.rewind()
    for call in strace.calls(words, trial.dom0.root, strace.CHANGES, log):
        print("killed before", call)
        trial.rewind()
        ended = strace.inject(words, call, "signal=KILL", log)
        assert ended.code == -9, ended
        trial.check_interrupted()
        finish(trial)


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
    trial, log = trial_of(name, tmp_path), tmp_path / "strace"
    words = trial.words(trial.scenario.command)
    trial.rewind()
    for call in strace.one_of_each(strace.calls(words, trial.dom0.root, names, log)):
        print(f"{error} from", call)
        trial.rewind()
        done = strace.inject(words, call, f"error={error}", log)
        assert "Traceback" not in done.err, done.err
        assert done.code in (0, 1), done
        assert (done.code == 1) == ("error: " in done.err), done
        trial.check_interrupted()
        finish(trial)


@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP"])
def test_without_locks(error: str, tmp_path: Path) -> None:
    """As on some NFS: all is done, and what a killed run left is removed."""
    trial, log = trial_of("in-place-again", tmp_path), tmp_path / "strace"
    trial.rewind()
    for folder in (trial.dom0.out, trial.dom0.configs):
        (folder / f"{PREFIX}left{SUFFIX}").write_bytes(b"half")
    words = trial.words(trial.scenario.command)
    done = strace.traced(words, log, "-e", "trace=flock", "-e", f"inject=flock:error={error}")
    assert done.code == 0, done
    assert "(INJECTED)" in log.read_text()
    trial.check_finished()
