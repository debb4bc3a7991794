"""kill -9 at any moment: old outputs stay whole, nothing half appears, the next run finishes."""

import os
import random
from pathlib import Path

import pytest

from tests.faults.scenarios import STORIES, Stage, finish
from tests.support.dom0 import Dom0

SEED = int(os.environ.get("SHIMTOOL_SEED", "2018"))
KILLS = 30  # of each story: 210 in all


@pytest.mark.parametrize("name", STORIES)
def test_at_random_moments(name: str, tmp_path: Path) -> None:
    stage = Stage(Dom0(tmp_path / "dom0"), STORIES[name])
    choice = random.Random(f"{SEED} {name}")  # noqa: S311 - no secret
    killed = 0
    while killed < KILLS:
        stage.rewind()
        delay = choice.uniform(0, stage.seconds)
        ended = stage.run(kill_after=delay)
        print(f"SHIMTOOL_SEED={SEED}: kill {killed} after {delay:.5f} of {stage.seconds:.5f} s")
        killed += ended.code == -9
        stage.check_interrupted()
        finish(stage)
