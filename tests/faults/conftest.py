"""A dom0 with small kernels, so that runs are quick."""

from pathlib import Path

import pytest

from tests.faults.scenarios import CONVERT, Stage, Story
from tests.support.dom0 import Dom0


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Three guests, not converted yet."""
    return Stage(Dom0(tmp_path / "dom0"), Story((), CONVERT))
