"""`shimtool convert`."""

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Annotated

import typer

from shimtool.cli import describe, tables
from shimtool.cli.flags import Json
from shimtool.cli.options import Configs, option_group
from shimtool.cli.printing import end, print_faults, print_json, print_notes
from shimtool.cli.results import guests as guest_results
from shimtool.commands.convert import convert as convert_guests
from shimtool.commands.outcomes import Converted, Refused, Unchanged
from shimtool.commands.progress import NO_PROGRESS, Progress
from shimtool.commands.reconvert import reconvert
from shimtool.commands.settings import ConvertSettings
from shimtool.system.streams import is_pipe, is_screen


@option_group(ConvertSettings)
def convert(
    configs: Configs = None,
    *,
    stale: Annotated[
        bool,
        typer.Option(
            "--stale",
            help="Convert again what status calls stale, each guest with the options it had.",
        ),
    ] = False,
    settings: ConvertSettings,
    as_json: Json = False,
) -> None:
    """Write each guest's config, and boot ISO (HVM) or shim (PVH)."""
    summary, documents = tables.ConvertSummary(), []
    with _progress(as_json=as_json) as progress:
        work = reconvert if stale else convert_guests
        for outcome in work(configs or [], settings, progress, in_full=as_json):
            summary.add(outcome)
            if as_json and not isinstance(outcome, Unchanged):
                documents.append(guest_results.planned(outcome))
            with progress.aside():
                if isinstance(outcome, Refused):
                    print_faults(outcome.faults)
                elif not as_json:
                    typer.echo(_converted(outcome, settings))
    if as_json:
        print_json(documents)
    else:
        print_notes(summary.lines())
        if first := summary.first_converted:
            typer.echo(describe.next_step(first, summary.converted, settings.dom0_out), err=True)
    end(summary.refused)


def _converted(outcome: Converted | Unchanged, settings: ConvertSettings) -> str:
    if isinstance(outcome, Unchanged):
        return describe.unchanged(outcome, settings.dom0_out)
    return describe.converted(outcome.planned.plan, outcome.status, settings.dom0_out)


def _progress(*, as_json: bool) -> AbstractContextManager[Progress]:
    """Return a bar, on a terminal that nothing else writes to."""
    if not is_screen(sys.stderr) or (is_pipe(sys.stdout) and not as_json):
        return nullcontext(NO_PROGRESS)
    from shimtool.cli.terminal import ProgressBar  # noqa: PLC0415 - takes 0.1 s to load

    return ProgressBar()
