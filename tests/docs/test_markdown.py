"""README and manual as Markdown: short enough, well formed, and every link leads somewhere."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.support.debs import ROOT
from tests.support.pages import PAGES, TEXTS

WORDS = 1500  # of README, whatever is between blanks
WIDE = 120  # columns; a row of a table, a link and a picture may be wider
MANUAL = {f"{page.stem.split('.')[0]}({page.stem[-1]})" for page in PAGES.values()}


@cache
def parsed(name: str) -> list[Token]:
    return MarkdownIt().enable("table").parse(TEXTS[name].read_text())


def headings(name: str) -> list[tuple[int, str]]:
    """Level and text of each heading."""
    tokens = parsed(name)
    return [
        (int(token.tag[1:]), tokens[at + 1].content)
        for at, token in enumerate(tokens)
        if token.type == "heading_open"
    ]


def anchors(name: str) -> set[str]:
    """What GitHub calls the headings in links."""
    return {
        re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for _level, text in headings(name)
    }


def links(name: str) -> Iterator[str]:
    for token in parsed(name):
        for child in token.children or ():
            target = child.attrs.get("href", child.attrs.get("src"))
            if target is not None:
                yield str(target)


def test_readme_is_short() -> None:
    words = len(TEXTS["README"].read_text().split())
    assert words <= WORDS, "move something to a page of the manual"


@pytest.mark.parametrize("name", TEXTS)
def test_every_link_leads_somewhere(name: str) -> None:
    for link in links(name):
        assert not re.match(r"[a-z]+:", link), f"{link}: who is offline cannot follow it"
        path, _, anchor = link.partition("#")
        target = (TEXTS[name].parent / path).resolve() if path else TEXTS[name]
        assert target.is_relative_to(ROOT), link
        assert target.is_file(), link
        if anchor:
            (there,) = [each for each, page in TEXTS.items() if page == target]
            assert anchor in anchors(there), link


@pytest.mark.parametrize("name", TEXTS)
def test_every_page_named_is_there(name: str) -> None:
    named = set(re.findall(r"\bshimtool(?:-[a-z-]+)?\(\d\)", TEXTS[name].read_text()))
    assert named <= MANUAL


@pytest.mark.parametrize("name", TEXTS)
def test_headings_go_down_step_by_step(name: str) -> None:
    levels = [level for level, _text in headings(name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    for above, below in pairwise(levels):
        assert below <= above + 1, headings(name)


@pytest.mark.parametrize("name", TEXTS)
def test_each_heading_is_there_once(name: str) -> None:
    found = headings(name)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize("name", TEXTS)
def test_lines_are_tidy(name: str) -> None:
    text = TEXTS[name].read_text()
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert "\n\n\n" not in text
    for number, line in enumerate(text.splitlines(), 1):
        assert line == line.rstrip(), f"{name}:{number} ends in blanks"
        assert "\t" not in line, f"{name}:{number}"
        if not line.startswith("|") and "](" not in line and "<!--" not in line:
            assert len(line) <= WIDE, f"{name}:{number} is {len(line)} columns wide"


@pytest.mark.parametrize("name", TEXTS)
def test_fences_are_closed_and_tables_whole(name: str) -> None:
    """A fence that stays open would swallow the rest; a table with a gap is no table."""
    assert len(re.findall(r"^ *```", TEXTS[name].read_text(), re.M)) % 2 == 0
    for token in parsed(name):
        if token.type == "inline":
            assert not token.content.startswith("|"), token.content


@pytest.mark.parametrize("name", [name for name in PAGES if PAGES[name].stem[-2] == "."])
def test_a_page_of_the_manual_begins_as_man_wants_it(name: str) -> None:
    page = PAGES[name].stem.split(".")[0]
    (_, title), (_, first), *_rest = headings(name)
    assert title in MANUAL
    assert title.startswith(f"{page}(")
    assert first == "Name"
    assert re.search(rf"^## Name\n\n{page} - \w.*\n\n##", PAGES[name].read_text(), re.M)
