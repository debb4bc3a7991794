"""What a command line loads: only what its command needs."""

import subprocess
import sys

import pytest
from typer.main import get_command

from shimtool.cli.app import COMMANDS, app

TELLS = ("-X", "importtime")  # each module, in the last column of a table


def loaded(*words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, *TELLS, "-m", "shimtool", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return [row.rpartition("|")[2].strip() for row in rows]


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("help",), ("help", "keys")])
def test_who_asks_for_no_guest_loads_no_logic(words: tuple[str, ...]) -> None:
    ours = {name for name in loaded(*words) if name.startswith("shimtool.")}
    assert "shimtool.cli.app" in ours
    layers = {name.split(".")[1] for name in ours}
    assert layers <= {"cli", "deferred", "errors", "text", "system"}
    assert "shimtool.cli.options" not in ours


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_does_not_wait_for_what_draws_on_terminals(name: str) -> None:
    assert [each for each in loaded(name, "--help") if each.startswith("rich")] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_a_command_what_its_own_help_says(name: str) -> None:
    command = getattr(get_command(app), "commands")[name]  # noqa: B009 - a group's
    assert command.help.startswith(COMMANDS[name])
