"""Options and helpers that all tests share."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

# Examples of property tests: few while working, many where it counts.
EXAMPLES = 10_000 if os.environ.get("CI") == "true" or "SHIMTOOL_EXAMPLES" in os.environ else 500


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--regenerate",
        action="store_true",
        help="write the golden files anew, then review the diff",
    )


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
