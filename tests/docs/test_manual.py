"""shimtool(1) says of every option, exit code, variable and JSON field what the program has."""

import re
from typing import Any, get_type_hints

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from shimtool.cli import errors
from shimtool.cli.app import app
from shimtool.cli.results import documents, known
from shimtool.dom0.detect import detect
from shimtool.dom0.paths import SearchPaths
from shimtool.model import Mode
from tests.support.debs import ROOT
from tests.support.pages import PAGES

PAGE = PAGES["shimtool"].read_text()


def part(heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.*?)(?=^## )", PAGE, re.M | re.S)
    assert found, heading
    return found[1]


def parameters() -> list[Any]:
    """Every option of every command, --help aside."""
    top = get_command(app)
    assert isinstance(top, TyperGroup)
    commands: list[Any] = [top, *top.commands.values()]
    for command in top.commands.values():
        if isinstance(command, TyperGroup):
            commands += command.commands.values()
    return [
        each
        for command in commands
        for each in command.params
        if each.param_type_name == "option" and each.name != "help"
    ]


def test_every_option_has_its_line_and_default() -> None:
    lines = re.findall(r"^- (`-.*?`)(?: \w.*?)?: (.*(?:\n  .*)*)", part("Options"), re.M)
    told: dict[str, str] = {}  # --memory is another thing to boot-test
    for words, text in lines:
        for word in re.findall(r"--[a-z-]+", words):
            told[word] = told.get(word, "") + text
    for option in parameters():
        for word in (*option.opts, *option.secondary_opts):
            if not word.startswith("--"):
                continue
            assert word in told, f"shimtool(1) does not explain {word}"
            if option.default and not isinstance(option.default, bool) and word != "--version":
                assert f"Default: {option.default}" in re.sub(r"\s+", " ", told[word])
    named = {word for option in parameters() for word in (*option.opts, *option.secondary_opts)}
    assert {*told} <= {*named, "--help"}


DOCUMENTS: dict[str, type] = {
    "scan": documents.ScannedGuest,
    "plan": documents.PlannedGuest,
    "verify": documents.VerifiedFile,
    "status": documents.GuestState,
    "restore": documents.RestoredConfig,
    "shims list": documents.ShimFacts,
}


def fields_told(command: str) -> list[str]:
    """The fields in the table below the line that begins with a command's name."""
    found = re.search(rf"^`{command}` .*\n((?:(?!`).*\n)+)", part("JSON documents"), re.M)
    assert found, command
    return re.findall(r"^\| `([a-z0-9-]+)` \|", found[1], re.M)


@pytest.mark.parametrize("command", DOCUMENTS)
def test_every_field_of_a_document_is_told(command: str) -> None:
    told = fields_told(command)
    if command == "plan":
        told += fields_told("scan")
    assert sorted(told) == sorted(get_type_hints(DOCUMENTS[command]))


def test_every_field_of_host_is_told() -> None:
    assert fields_told("host") == [*known.host(detect(), Mode.HVM, SearchPaths((), ()))]


def test_every_exit_code_is_told() -> None:
    told = re.findall(r"^\| (\d+) \|", part("Exit codes"), re.M)
    assert told == ["0", "1", "2", "3", str(errors.INTERRUPTED), str(errors.TERMINATED)]


def test_every_variable_is_told() -> None:
    """All that begin with SHIMTOOL_ in the program and its launcher."""
    files = [*ROOT.glob("shimtool/**/*.py"), *ROOT.glob("container/launcher/*")]
    files += ROOT.glob("container/dom0/*")
    used = {each for file in files for each in re.findall(r"SHIMTOOL_[A-Z]+", file.read_text())}
    assert used == set(re.findall(r"SHIMTOOL_[A-Z]+", part("Environment")))
