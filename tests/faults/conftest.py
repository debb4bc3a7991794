"""A dom0 with small kernels, so that runs are quick."""

from pathlib import Path

import pytest

from tests.faults.scenarios import CONVERT, Scenario, Trial
from tests.support.dom0 import Dom0


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    """Three guests, not converted yet."""
    return Trial(Dom0(tmp_path / "dom0"), Scenario((), CONVERT))


@pytest.fixture
def guests(tmp_path: Path) -> Trial:
    """Give the same to tests that look at what a run says, and not for each file it leaves."""
    return Trial(Dom0(tmp_path / "dom0"), Scenario((), CONVERT), rehearsed=False)
