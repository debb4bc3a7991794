"""The manual's pages, which lie in shimtool/docs: what they are called, and what they hold."""

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from shimtool.cli.options import told
from shimtool.system.streams import is_screen
from shimtool.text import printable, table

DOCS = Path(__file__).parents[1] / "docs"
_SUMMARY = re.compile(r"^## Name\n\n\S+ - (.*)$", re.MULTILINE)
# What is nothing on a terminal: pictures, and where generated parts begin and end.
_UNSHOWN = re.compile(r"^(?:<!--.*-->\n|!\[.*\]\(.*\)\n\n)", re.MULTILINE)
_FIRST, _LAST = "shimtool", "contributing"


def pages() -> dict[str, Path]:
    """Return the pages by topic: "keys" is shimtool-keys.5.md."""
    found = {
        path.name.partition(".")[0].removeprefix("shimtool-").lower(): path
        for path in DOCS.glob("*.md")
    }
    order = sorted(found, key=lambda topic: (topic == _LAST, topic != _FIRST, topic))
    return {topic: found[topic] for topic in order}


def read_page(path: Path) -> str:
    """Return a page's Markdown without what is for other readers."""
    return re.sub(r"\n{3,}", "\n\n", _UNSHOWN.sub("", path.read_text(encoding="utf-8")))


def topics() -> list[tuple[str, str]]:
    """Return each topic and what its page is about."""
    found = []
    for topic, path in pages().items():
        text = read_page(path)
        summary = _SUMMARY.search(text)
        found.append((topic, summary[1] if summary else text.splitlines()[0].lstrip("# ")))
    return found


def show_topic(
    context: typer.Context,
    topic: Annotated[
        str | None,
        typer.Argument(metavar="TOPIC", help=told("A page, or a command.", "the list of pages")),
    ] = None,
) -> None:
    """Show a page of the manual, or the list of them."""
    if topic is None:
        typer.echo(table([("TOPIC", "WHAT IT IS ABOUT"), *topics()]))
    elif page := pages().get(topic):
        _print(read_page(page))
    else:
        _print_help(context, topic)


def _print(text: str) -> None:
    if is_screen(sys.stdout):
        from shimtool.cli.page import print_page  # noqa: PLC0415 - takes 0.1 s to load

        print_page(text)
    else:
        typer.echo(text, nl=False)


def _print_help(context: typer.Context, command: str) -> None:
    """Print what `COMMAND --help` prints."""
    top = context.find_root()
    found = getattr(top.command, "commands", {}).get(command)
    if found is None:
        known = ", ".join(pages())
        raise typer.BadParameter(
            f"{printable(command)!r} is no page and no command; pages: {known}",
            param_hint="TOPIC",
        )
    found.make_context(command, ["--help"], parent=top)
