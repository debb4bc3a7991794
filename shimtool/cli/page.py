"""A page of the manual on a terminal: Markdown as shimtool/docs uses it, drawn by rich.

rich's own Markdown needs two more libraries, 11 MB, which the image does without.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shimtool.deferred import regex

_WIDEST = 100  # columns: longer lines are hard to read
_INLINE = regex(r"`(?P<code>[^`]+)`|\*\*(?P<strong>.+?)\*\*|\*(?P<weak>[^*\s][^*]*)\*"
                     r"|\[(?P<link>[^]]+)\]\([^)]*\)")  # fmt: skip
_STYLES = {"code": "cyan", "strong": "bold", "weak": "italic", "link": "underline"}
_ITEM = regex(r"(?:-|\d+\.) ")
_RULE = regex(r"\|[-:|]+")


def print_page(text: str, *, file: Any = None) -> None:  # noqa: ANN401 - any text stream
    """Print a page as wide as the terminal, or as reads well."""
    console = Console(file=file, highlight=False)
    console.width = min(console.width, _WIDEST)
    for block in _blocks(text):
        console.print(block)


def _blocks(text: str) -> Iterator[RenderableType]:
    """Yield what a page consists of; code stands between lines of three backticks."""
    for number, part in enumerate(re.split(r"^```\n", text, flags=re.MULTILINE)):
        if number % 2:
            yield Padding(Text(part.rstrip("\n"), "cyan", overflow="fold"), (0, 0, 1, 4))
        else:
            for paragraph in re.split(r"\n{2,}", part.strip("\n")):
                yield from _paragraph(paragraph.split("\n"))


def _paragraph(lines: Sequence[str]) -> Iterator[RenderableType]:
    """Yield a heading, a table, the items of a list, or a paragraph; a blank line after it."""
    first = lines[0]
    if not first:
        return
    if first.startswith("#"):
        yield Text(first.lstrip("# "), "bold underline" if first.startswith("# ") else "bold")
    elif first.startswith("|"):
        yield _table(line for line in lines if not _RULE.fullmatch(line))
        return  # which has its blank line
    elif _ITEM.match(first):
        yield from map(_item, _joined(lines))
    else:
        yield _inline(" ".join(lines))
    yield ""


def _joined(lines: Iterable[str]) -> list[str]:
    """Return the items of a list as a line each."""
    items: list[str] = []
    for line in lines:
        if _ITEM.match(line):
            items.append(line)
        else:
            items[-1] += f" {line.strip()}"
    return items


def _item(line: str) -> Table:
    """Return an item, whose later lines stand below its first word."""
    mark, _, rest = line.partition(" ")
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_row(Text(f"  {mark}"), _inline(rest))
    return grid


def _table(lines: Iterable[str]) -> Table:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_header=any(rows[0]))
    for head in rows[0]:
        table.add_column(_inline(head), overflow="fold")
    for row in rows[1:]:
        table.add_row(*map(_inline, row))
    return table


def _inline(text: str) -> Text:
    """Return text with its code, emphasis and links as styles."""
    shown, at = Text(overflow="fold"), 0
    for found in _INLINE.finditer(text):
        shown.append(text[at : found.start()])
        kind = str(found.lastgroup)
        inner = Text(found[kind]) if kind == "code" else _inline(found[kind])
        inner.stylize(_STYLES[kind])
        shown.append_text(inner)
        at = found.end()
    return shown.append(text[at:])
