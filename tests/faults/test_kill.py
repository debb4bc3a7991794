"""kill -9 at any moment: old outputs stay whole, nothing half appears, the next run finishes."""

import os
import random
from pathlib import Path

import pytest

from tests.faults.scenarios import SCENARIOS, Trial, finish
from tests.support.dom0 import Dom0

SEED = int(os.environ.get("SHIMTOOL_SEED", "2018"))
KILLS = 30  # of each scenario: 210 in all


@pytest.mark.parametrize("name", SCENARIOS)
def test_at_random_moments(name: str, tmp_path: Path) -> None:
    trial = Trial(Dom0(tmp_path / "dom0"), SCENARIOS[name])
    choice = random.Random(f"{SEED} {name}")  # noqa: S311 - no secret
    seconds, killed = min(trial.rehearse() for _ in range(3)), 0
    while killed < KILLS:
        trial.rewind()
        delay = choice.uniform(0, seconds)
        ended = trial.run(kill_after=delay)
        print(f"SHIMTOOL_SEED={SEED}: kill {killed} after {delay:.5f} of {seconds:.5f} s")
        killed += ended.code == -9
        trial.check_interrupted()
        finish(trial)
