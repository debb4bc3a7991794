"""Options, parameters and the result table of the end-to-end tests."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import table
from tests.e2e.environment import Environment
from tests.e2e.guests import Files
from tests.e2e.host import RELEASES
from tests.e2e.shims import BUNDLED, Cell, assets_with
from tests.support.debs import ROOT

LOGS = ROOT / "build" / "e2e" / "logs"
MODES = ("hvm", "pvh")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--e2e", choices=("ci", "all", "matrix"), default="all", help="which end-to-end tests"
    )


def pytest_configure(config: pytest.Config) -> None:
    for line in (
        "modes(*names): the containers this test runs in (default: both)",
        "hosts(*names): the hosts this test runs on (default: 4.17)",
        "e2e_ci(*names): CI runs this test, in these containers",
        "e2e_matrix: runs on every host with every shim in `--e2e=matrix`",
    ):
        config.addinivalue_line("markers", line)


def _choice(config: pytest.Config) -> str:
    # Not registered when pytest starts above this folder.
    return str(config.getoption("--e2e", "all"))


def _shims(matrix: bool) -> list[str]:
    given = os.environ.get("E2E_SHIM")
    distributed = [f"debian-{version}" for version in RELEASES]
    return (distributed if matrix else [BUNDLED]) + ([given] if given else [])


def _modes(metafunc: pytest.Metafunc) -> tuple[str, ...]:
    name = "e2e_ci" if _choice(metafunc.config) == "ci" else "modes"
    mark = metafunc.definition.get_closest_marker(name)
    return tuple(map(str, mark.args)) if mark and mark.args else MODES


def _hosts(metafunc: pytest.Metafunc) -> tuple[str, ...]:
    mark = metafunc.definition.get_closest_marker("hosts")
    return tuple(map(str, mark.args)) if mark else ("4.17",)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test on every host, with every shim, in every mode it is for."""
    if "environment" not in metafunc.fixturenames:
        return
    matrix = _choice(metafunc.config) == "matrix"
    cells = [
        Cell(host, shim, mode)
        for host in (RELEASES if matrix else _hosts(metafunc))
        for shim in _shims(matrix)
        for mode in _modes(metafunc)
    ]
    metafunc.parametrize("environment", cells, ids=str, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this choice does not run: the table shows only what ran."""
    needed = {"ci": "e2e_ci", "matrix": "e2e_matrix"}.get(_choice(config))
    if needed is None:
        return
    gone = [
        item
        for item in items
        if item.get_closest_marker("e2e") and not item.get_closest_marker(needed)
    ]
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=gone)


@pytest.fixture
def environment(request: pytest.FixtureRequest, tmp_path: Path) -> Environment:
    """The environment of one cell of the table; its row is shown whatever the test does."""
    cell: Cell = request.param
    row = table.Row(cell.host, cell.shim_name, cell.mode, request.node.originalname[5:])
    request.node.user_properties.append((table.PROPERTY, row.cells))
    home = tmp_path / "guest"
    home.mkdir()
    return Environment(
        release=RELEASES[cell.host],
        mode=cell.mode,
        assets=assets_with(cell.shim, tmp_path / "assets"),
        files=Files(home),
        logs=LOGS / request.node.name,
        row=row,
    )


def _ran(reports: Iterable[object]) -> list[tuple[dict[str, Any], str]]:
    """Return each test's row and outcome from pytest's reports, those of xdist's workers too."""
    found: list[tuple[dict[str, Any], str]] = []
    for report in reports:
        if isinstance(report, pytest.TestReport) and (report.when == "call" or report.failed):
            cells = dict(report.user_properties).get(table.PROPERTY)
            if isinstance(cells, dict):
                found.append((cells, report.outcome))
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables, and keep them in build/e2e."""
    ran = _ran(report for group in terminalreporter.stats.values() for report in group)
    if not ran:
        return
    rows = [table.texts(cells, outcome) for cells, outcome in ran]
    shown = table.lines(rows)
    table.write(shown)
    if things := table.things([cells for cells, _ in ran]):
        shown += ["", *(told := table.aligned(things))]
        table.write(told, table.THINGS)
    terminalreporter.section(f"e2e ({table.retries(rows)} retried boots)")
    for line in shown:
        terminalreporter.write_line(line)
