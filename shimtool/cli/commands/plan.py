"""`shimtool plan`."""

import sys

import typer

from shimtool.cli import describe
from shimtool.cli.flags import Json
from shimtool.cli.options import Configs, option_group
from shimtool.cli.planning import planned
from shimtool.cli.printing import end, print_faults, print_json
from shimtool.cli.results import guests as guest_results
from shimtool.commands.outcomes import Planned
from shimtool.commands.settings import GuestSettings
from shimtool.system.streams import columns


@option_group(GuestSettings)
def plan(configs: Configs = None, *, settings: GuestSettings, as_json: Json = False) -> None:
    """Show what convert would do, with a diff of each config. Writes nothing."""
    _found, outcomes = planned(configs, settings)
    if as_json:
        print_json([guest_results.planned(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            if isinstance(outcome, Planned):
                typer.echo(describe.planned(outcome.plan, outcome.changes, columns(sys.stdout)))
            else:
                print_faults(outcome.faults)
    end(outcomes)
