"""README and manual against the program: what they name exists, what they show is printed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from shimtool.cli.app import app
from shimtool.cli.examples import EXAMPLES
from tests.support.cli import shimtool_cli
from tests.support.debs import ROOT
from tests.support.dom0 import make_dom0
from tests.support.pages import TEXTS

README = TEXTS["README"].read_text()
ALL = "\n".join(path.read_text() for path in TEXTS.values())


def commands() -> Iterator[tuple[str, ...]]:
    """Every command the program has, as the words that call it."""
    top = get_command(app)
    assert isinstance(top, TyperGroup)
    for name, command in top.commands.items():
        if isinstance(command, TyperGroup):
            yield from ((name, inner) for inner in command.commands)
        else:
            yield (name,)


COMMANDS = sorted(commands())


@pytest.fixture(scope="module")
def helps() -> dict[tuple[str, ...], str]:
    found = {words: shimtool_cli(*words, "--help") for words in [(), *COMMANDS]}
    assert {words: result.code for words, result in found.items() if result.code} == {}
    return {words: result.out for words, result in found.items()}


# tests/appliance/test_readme.py runs the commands that have these.
# --check is ansible-playbook's, --exclude rsync's.
OF_OTHERS = {
    *("--args", "--entry", "--kernel", "--offset", "--ramdisk"),  # pygrub's
    *("--failed", "--now"),  # systemctl's
    "--cap-add",
    "--device-cgroup-rule",
    "--regenerate",
    "--check",
    "--exclude",
    "--cap-drop",
    "--network",
    "--read-only",
    "--rm",
    "--security-opt",
    "--user",
}


def options(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*[a-z](?![\w-])", text))


def code(text: str) -> str:
    """What is a command or a name: fenced blocks, and words between backticks, one a line."""
    fenced, inline = re.split(r"^```\n", text, flags=re.M), re.compile(r"`([^`\n]+)`")
    blocks = [
        part if odd % 2 else "\n".join(inline.findall(part)) for odd, part in enumerate(fenced)
    ]
    return "\n".join(blocks)


@pytest.mark.parametrize("name", TEXTS)
def test_every_option_named_exists(helps: dict[tuple[str, ...], str], name: str) -> None:
    named = options(TEXTS[name].read_text())
    assert named - options("\n".join(helps.values())) - OF_OTHERS == set()


@pytest.mark.parametrize("name", TEXTS)
def test_every_command_named_exists(name: str) -> None:
    text = TEXTS[name].read_text().replace("\n", " ")
    called = set(re.findall(r"`shimtool (shims [a-z]+|[a-z][a-z-]+)(?=[^`]*`)", text))
    assert called <= {" ".join(words) for words in COMMANDS}


@pytest.mark.parametrize("name", ["README", "shimtool"])
def test_every_command_is_named(name: str) -> None:
    named = re.findall(r"`(?:shimtool )?(shims [a-z]+|[a-z-]+)[^`]*`", TEXTS[name].read_text())
    missing = {" ".join(words) for words in COMMANDS} - set(named)
    assert missing == ({"shims show"} if name == "README" else set())


def test_every_make_target_named_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"\bmake ([a-z][a-z0-9-]*)(?=[\n ;]|$)", code(ALL)))
    assert named
    assert named <= targets


def test_you_should_see_what_is_shown(tmp_path: Path) -> None:
    """The first command, on a dom0 as the text says, prints the lines below it."""
    command, shown = re.findall(r"^```\n(.*?)^```", README, re.DOTALL | re.MULTILINE)[:2]
    dom0 = make_dom0(tmp_path)
    dom0.guest("web01")
    assert command == "shimtool convert --in /etc/xen --out /var/lib/xen/shimtool\n"
    xen = re.search(r"on a dom0 with Xen ([0-9.]+):", README)
    assert xen
    result = dom0.run("convert", "--xen", xen[1])
    assert result.code == 0
    assert result.out + result.err == shown.replace("4.17.7-debian", debians_shim(result.out))


def debians_shim(printed: str) -> str:
    """The name of the shim at hand, which Debian updates."""
    found = re.search(r"shim (4\.[0-9.]+-debian)\)", printed)
    assert found
    return found[1]


def test_every_example_of_the_help_is_understood(helps: dict[tuple[str, ...], str]) -> None:
    assert set(EXAMPLES) == {words[0] for words in COMMANDS if words[0] != "shims"}
    for command, examples in EXAMPLES.items():
        shown = helps[(command,)]
        offered = shown.partition("Examples:")[0]
        for what, how in examples:
            assert what in shown
            assert how in shown
            program, called, *_rest = how.split()
            assert (program, called) == ("shimtool", command)
            assert options(how) <= options(offered), how


def test_the_numbers_of_the_speed_are_those_measured() -> None:
    """`make bench README=1` writes the tables of the manual; README says the main ones."""
    said = re.search(r"^## Speed\n(.*?)^## ", README, re.M | re.S)
    assert said
    numbers = re.findall(r"\d[\d.,]*(?: s|x| MB)\b", said[1])
    assert len(numbers) > 5
    tables = TEXTS["how-it-works"].read_text().partition("## Speed")[2]
    assert [each for each in numbers if f" {each} " not in tables] == []
