"""Every test gets a dom0 of its own."""

from pathlib import Path

import pytest

from tests.support.dom0 import Dom0, make_dom0


@pytest.fixture
def dom0(tmp_path: Path) -> Dom0:
    return make_dom0(tmp_path)
