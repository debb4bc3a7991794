"""`shimtool plan`."""

import sys

import typer

from shimtool.cli import describe
from shimtool.cli.flags import Json
from shimtool.cli.options import Configs, option_group
from shimtool.cli.planning import planned
from shimtool.cli.printing import end, print_faults, print_json, print_notes
from shimtool.cli.results import guests as guest_results
from shimtool.commands.disk_space import DiskSpace
from shimtool.commands.outcomes import Planned, Refused
from shimtool.commands.settings import GuestSettings
from shimtool.system.streams import columns


@option_group(GuestSettings)
def plan(configs: Configs = None, *, settings: GuestSettings, as_json: Json = False) -> None:
    """Show what convert would do, with a diff of each config. Writes nothing."""
    refused, documents = [], []
    run, _found, outcomes = planned(configs, settings)
    space = DiskSpace(run.destination.folder, run.destination.assets)
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            refused.append(outcome)
        if as_json:
            documents.append(guest_results.planned(outcome))
        elif isinstance(outcome, Planned):
            typer.echo(describe.planned(outcome.plan, outcome.changes, columns(sys.stdout)))
            space.add(outcome)
        else:
            print_faults(outcome.faults)
    if as_json:
        print_json(documents)
    elif space.guests:
        print_notes([describe.space(space)])
    end(refused)
