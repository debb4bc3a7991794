"""The README against the program: every option and command it names exists."""

import re
from pathlib import Path

import pytest

from tests.support.dom0 import shimtool

README = (Path(__file__).parents[1] / "README.md").read_text()
COMMANDS = ("scan", "plan", "convert", "verify", "restore", "host", "shims")


@pytest.fixture(scope="module")
def helps() -> str:
    return "\n".join(shimtool(command, "--help").out for command in COMMANDS)


def test_every_option_named_exists(helps: str) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z](?![a-z-])", README))
    assert named
    assert {option for option in named if option not in helps} == set()


def test_every_command_named_exists() -> None:
    named = set(re.findall(r"`shimtool ([a-z]+)", README))
    assert named <= set(COMMANDS)


def test_every_make_target_named_exists() -> None:
    targets = set(
        re.findall(r"^([a-z0-9-]+):", (Path(__file__).parents[1] / "Makefile").read_text(), re.M)
    )
    assert set(re.findall(r"make ([a-z-]+)(?=[`\n ])", README)) <= targets
