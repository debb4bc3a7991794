"""Options and helpers that all tests share."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

from tests.support import debs
from tests.support.dom0 import Dom0, make_dom0

# Examples of property tests. What lands is not a matter of luck: every run has the same ones. With
# SHIMTOOL_EXAMPLES=1 there are many, and new ones each time: for looking further.
SEARCH = "SHIMTOOL_EXAMPLES" in os.environ
EXAMPLES = 10_000 if SEARCH else 1000
# No deadline: how long an example takes is the machine's affair.
settings.register_profile("shimtool", derandomize=not SEARCH, deadline=None)
settings.load_profile("shimtool")
if not SEARCH:
    # Hypothesis draws constants of all modules loaded so far, too: others in each selection of
    # tests. No setting turns that off.
    assert hasattr(providers, "_get_local_constants"), "Hypothesis looks for constants elsewhere"
    vars(providers)["_get_local_constants"] = Constants


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="write the golden files anew, then review the diff",
    )


@pytest.fixture
def dom0(tmp_path: Path) -> Dom0:
    """Give the test a dom0 of its own."""
    return make_dom0(tmp_path)


@pytest.fixture
def debian_dom0(tmp_path: Path) -> Dom0:
    """Give the test a dom0 of its own whose kernel is Debian's, where that is the point."""
    return make_dom0(tmp_path, debs.kernel().read_bytes())


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the test a copy of the assets, to add shims to."""
    copy = tmp_path / "assets"
    shutil.copytree(debs.ROOT / "build" / "assets", copy)
    monkeypatch.setenv("SHIMTOOL_ASSETS", str(copy))
    return copy


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, bytes], None]:
    """Compare bytes with a golden file; with --regenerate, write it."""

    def check(path: Path, actual: bytes) -> None:
        if request.config.getoption("--regenerate"):
            path.write_bytes(actual)
        assert path.is_file(), f"no {path.name}: run pytest with --regenerate"
        assert actual.decode(errors="backslashreplace") == path.read_bytes().decode(
            errors="backslashreplace"
        )

    return check
