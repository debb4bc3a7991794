"""`shimtool scan`."""

import sys

import typer

from shimtool.cli import tables
from shimtool.cli.flags import Json
from shimtool.cli.options import Configs, option_group
from shimtool.cli.planning import planned
from shimtool.cli.printing import print_json, print_notes, raise_crashes
from shimtool.cli.results import guests as guest_results
from shimtool.cli.results.documents import ScannedGuest
from shimtool.commands.settings import GuestSettings
from shimtool.system import activity
from shimtool.system.streams import is_screen
from shimtool.text import table


@option_group(GuestSettings)
def scan(configs: Configs = None, *, settings: GuestSettings, as_json: Json = False) -> None:
    """List the guests: how each boots, whether it can be converted."""
    _run, found, outcomes = planned(configs, settings)
    guests, summary = [], tables.ScanSummary()
    for outcome in outcomes:
        guests.append(guest_results.scanned(outcome))
        summary.add(outcome)
    if as_json:
        print_json(guests)
    else:
        cut = _print_guests(guests)
        print_notes(summary.lines([path for path, _why in found.skipped]))
        if cut:
            print_notes(["why not, in whole, and what to do: shimtool scan -v"])
    raise_crashes(each.crash for each in summary.refused)


def _print_guests(guests: list[ScannedGuest]) -> bool:
    """Print them; return whether there was no room for all reasons."""
    if not is_screen(sys.stdout):
        typer.echo(table(tables.scan_rows(guests)))
        return False
    from shimtool.cli.guest_table import print_guests  # noqa: PLC0415 - takes 0.1 s to load

    return print_guests(guests, whole=activity.is_heard())
