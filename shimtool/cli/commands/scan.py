"""`shimtool scan`."""

import sys

import typer

from shimtool.cli import tables
from shimtool.cli.flags import Json
from shimtool.cli.options import Configs, option_group
from shimtool.cli.planning import planned
from shimtool.cli.printing import print_json, raise_crashes
from shimtool.cli.results import guests as guest_results
from shimtool.cli.results.documents import ScannedGuest
from shimtool.commands.planning import Refused
from shimtool.commands.settings import GuestSettings
from shimtool.system.streams import is_screen
from shimtool.text import table


@option_group(GuestSettings)
def scan(configs: Configs = None, *, settings: GuestSettings, as_json: Json = False) -> None:
    """List the guests: how each boots, whether it can be converted."""
    found, outcomes = planned(configs, settings)
    guests = [guest_results.scanned(outcome) for outcome in outcomes]
    if as_json:
        print_json(guests)
    else:
        _print_guests(guests)
        _print_notes(tables.scan_summary(outcomes, [path for path, _why in found.skipped]))
    raise_crashes(each.crash for each in outcomes if isinstance(each, Refused))


def _print_guests(guests: list[ScannedGuest]) -> None:
    if is_screen(sys.stdout):
        from shimtool.cli.terminal import print_guests  # noqa: PLC0415 - takes 0.1 s to load

        print_guests(guests)
    else:
        typer.echo(table(tables.scan_rows(guests)))


def _print_notes(lines: list[str]) -> None:
    if is_screen(sys.stderr):
        from shimtool.cli.terminal import print_notes  # noqa: PLC0415 - takes 0.1 s to load

        print_notes(lines)
    else:
        typer.echo("\n".join(lines), err=True)
