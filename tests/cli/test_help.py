"""Help: `-h`, summaries that fit, one style of metavars and defaults, and the manual's pages."""

import io
import re
from collections import Counter

import pytest
from markdown_it import MarkdownIt

from shimtool.cli.manual import pages, read_page, topics
from shimtool.cli.page import print_page
from tests.docs.test_readme import COMMANDS
from tests.support.cli import shimtool_cli
from tests.support.pages import PAGES
from tests.support.screen import on_screen

GROUPS: list[tuple[str, ...]] = [(), ("shims",)]


def help_of(words: tuple[str, ...], option: str = "--help") -> str:
    done = shimtool_cli(*words, option)
    assert done.code == 0, done.err
    return done.out


@pytest.mark.parametrize("words", [*GROUPS, *COMMANDS], ids=" ".join)
def test_help_fits_a_terminal_and_has_a_short_name(words: tuple[str, ...]) -> None:
    shown = help_of(words)
    assert shown == help_of(words, "-h")
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("words", GROUPS, ids=" ".join)
def test_no_summary_is_cut(words: tuple[str, ...]) -> None:
    lines = help_of(words).partition("Commands:\n")[2].splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"  [a-z-]+ +[A-Z].*\.", line)] == []
    assert [line for line in lines if line.endswith("...")] == []


@pytest.mark.parametrize("words", [*GROUPS, *COMMANDS], ids=" ".join)
def test_metavars_and_defaults_have_one_style(words: tuple[str, ...]) -> None:
    lines = help_of(words).partition("Options:\n")[2].partition("Examples:")[0]
    found = re.findall(r"^  (?:-\w, )?--[a-z-]+(?: / --[a-z-]+)?(?: (\S+))?(?:  |$)", lines, re.M)
    assert len(found) == len(re.findall("^  -", lines, re.M))
    for metavar in filter(None, found):
        assert re.fullmatch(r"[A-Z]+(?:[=|][A-Z]+)?|[a-z0-9_]+(?:\|[a-z0-9_]+)+", metavar)
    shown = " ".join(help_of(words).partition("\n")[2].split())
    assert re.findall(r"\[(?!default: [^(]|required)[^]]*\]", shown) == []


@pytest.mark.parametrize("topic", pages())
def test_a_page_in_a_pipe_is_its_markdown(topic: str) -> None:
    done = shimtool_cli("help", topic)
    assert (done.code, done.err) == (0, "")
    assert done.out == read_page(PAGES[topic])
    assert "<!--" not in done.out
    assert "\n\n\n" not in done.out


def test_without_a_topic_the_pages_are_listed() -> None:
    done = shimtool_cli("help")
    assert [*pages()] == [topic for topic, _about in topics()]
    assert {*pages()} == {*PAGES}
    for topic, about in topics():
        assert re.search(rf"^{topic} +{re.escape(about)}$", done.out, re.M)
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize("words", [words for words in COMMANDS if len(words) == 1], ids=" ".join)
def test_help_of_a_command_is_its_help(words: tuple[str, ...]) -> None:
    assert shimtool_cli("help", *words).out == help_of(words)


def test_a_topic_that_there_is_not() -> None:
    done = shimtool_cli("help", "[red]x[/red]\x1b[31m")
    assert done.code == 2
    assert "no page and no command" in done.err
    assert "how-it-works" in done.err
    assert "[red]x[/red]" in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize("columns", [80, 140])
def test_a_page_on_a_terminal(columns: int) -> None:
    seen = on_screen("help", "shims", columns=columns)
    assert seen.code == 0
    assert seen.lines[0] == "shimtool-shims(7)"
    assert "|---" not in seen.text
    assert "`" not in seen.text
    assert b"\x1b[1" in seen.raw
    assert max(map(len, seen.lines)) <= 100


@pytest.mark.parametrize("topic", pages())
def test_nothing_of_a_page_is_lost_on_a_terminal(topic: str) -> None:
    """The same letters as in the Markdown that other programs read, wherever they stand."""
    text = read_page(PAGES[topic])
    drawn = io.StringIO()
    print_page(text, file=drawn)
    said: Counter[str] = Counter()
    for token in MarkdownIt().enable("table").parse(text):
        if token.type in ("fence", "code_block"):
            said.update(token.content)
        if token.type == "list_item_open":
            said.update(token.info + token.markup)  # "1."
        for child in token.children or ():
            said.update(child.content)
    kept = re.compile(r"[^\s─-]")
    assert Counter(kept.findall(drawn.getvalue())) == Counter(
        kept.findall("".join(said.elements()))
    )
