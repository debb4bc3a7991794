"""The assets as container/collect-assets makes them, once a test run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Collect = Callable[..., subprocess.CompletedProcess[str]]
# One of pytest's workers takes all tests: else each would make the assets.
GROUP = pytest.mark.xdist_group("assets")


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what collect-assets reads, so that nobody edits it while the tests compare.

    With its byte code: collect-assets writes none.
    """
    top = tmp_path_factory.mktemp("checkout")
    for name in ("container", "shimtool"):
        shutil.copytree(ROOT / name, top / name)
    return top


@pytest.fixture(scope="session")
def collect(checkout: Path) -> Collect:
    """Run collect-assets as a user would."""

    def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [checkout / "container/collect-assets", *words],
            env=os.environ | {"PYTHON": sys.executable} | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def assets(collect: Collect, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assets") / "dest"
    done = collect(folder)
    assert done.returncode == 0, done.stderr
    return folder
