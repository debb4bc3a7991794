"""`shimtool help`."""

import sys
from typing import Annotated

import typer

from shimtool.cli.flags import told
from shimtool.cli.manual import pages, read_page, topics
from shimtool.system.streams import is_screen
from shimtool.text import printable, table


def help(  # noqa: A001 - the command's name
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
