"""kill -9 at any moment: old outputs stay whole, nothing half appears, the next run finishes.

Files change only by system calls, so that moments are told apart by them and not by a clock.
"""

import os
import random
from pathlib import Path

import pytest

from tests.faults import strace
from tests.faults.scenarios import SCENARIOS, Trial, finish
from tests.support.dom0 import Dom0

pytestmark = pytest.mark.usefixtures("small_shim")

SEED = int(os.environ.get("SHIMTOOL_SEED", "2018"))
KILLS = 30  # of each scenario
# Before each change of these, one guest alone, test_each_call kills: here the steps between guests.
FEWER = dict.fromkeys(("again", "in-place-again", "restore"), 10)


@pytest.mark.parametrize("name", SCENARIOS)
def test_before_random_calls(name: str, tmp_path: Path) -> None:
    trial, log = Trial(Dom0(tmp_path / "dom0"), SCENARIOS[name]), tmp_path / "strace"
    words = trial.words(trial.scenario.command)
    trial.rewind()
    found = strace.all_calls(words, trial.dom0.root, strace.CHANGES + strace.READS, log)
    killed = 0
    choice = random.Random(f"{SEED} {name}")  # noqa: S311 - no secret
    for call in choice.sample(found, FEWER.get(name, KILLS)):
        trial.rewind()
        ended = strace.inject(words, call, "signal=KILL", log)
        print(f"SHIMTOOL_SEED={SEED}: killed before {call}")
        # Two threads may share the work in another way than before, and none make that call.
        assert ended.code == -9 or (ended.code == 0 and "2" in words), ended
        killed += ended.code == -9
        trial.check_interrupted()
        finish(trial)
    assert killed
