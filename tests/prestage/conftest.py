"""The pre-stage, compiled natively with sanitizers, and as it is handed out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prestage.native import SOURCES, Native, running
from tests.support.programs import run


@pytest.fixture(scope="session")
def native(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Native]:
    with running(tmp_path_factory.mktemp("native")) as driver:
        yield driver


@pytest.fixture(scope="session")
def prestage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program itself."""
    program = tmp_path_factory.mktemp("prestage") / "prestage"
    run([SOURCES / "build", program])
    return program
