"""`shimtool status`."""

from pathlib import Path
from typing import Annotated

import typer

from shimtool.cli import tables
from shimtool.cli.flags import Json, told
from shimtool.cli.options import option_group
from shimtool.cli.printing import print_json, raise_crashes
from shimtool.cli.results import guests as guest_results
from shimtool.commands.outcomes import GuestStatus
from shimtool.commands.settings import OutputSettings
from shimtool.commands.status import status as states_of
from shimtool.text import table


@option_group(OutputSettings)
def status(
    guests: Annotated[
        list[Path] | None,
        typer.Argument(metavar="GUEST...", help=told("Names or configs.", "all in --out")),
    ] = None,
    *,
    settings: OutputSettings,
    as_json: Json = False,
) -> None:
    """Say which outputs are stale, and why. New kernel, edited config, newer shim, damage."""
    states, crashes = [], []
    for each in states_of(guests or [], settings.out):
        states.append(guest_results.state(each))
        if isinstance(each, GuestStatus):
            crashes.append(each.crash)
    if as_json:
        print_json(states)
    else:
        typer.echo(table(tables.status_rows(states)))
    raise_crashes(crashes)
    if any(state["stale"] for state in states):
        raise typer.Exit(1)
