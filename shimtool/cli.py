"""The command line: parses, calls the pipeline, prints what `show` renders. No logic here."""

import json
from pathlib import Path
from typing import Annotated

import typer

from shimtool import __version__, documents, show
from shimtool import host as hosts
from shimtool.assets import find_assets
from shimtool.cli_shims import shims
from shimtool.convert import convert as convert_guests
from shimtool.drafts import Outcome, config_diff, plan_guests
from shimtool.errors import ShimtoolError
from shimtool.folders import find_configs
from shimtool.in_place import converted_in_place
from shimtool.in_place import restore as restore_config
from shimtool.options import (
    ConvertOptions,
    GuestOptions,
    HostOptions,
    InPlaceOptions,
    OutputOptions,
    takes,
)
from shimtool.session import open_session
from shimtool.verify import verify as verify_file

app = typer.Typer(
    name="shimtool",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(shims, name="shims")

Configs = Annotated[
    list[Path] | None, typer.Argument(metavar="CONFIG...", help="Guest configs. [all in --in]")
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"shimtool {__version__}")
        raise typer.Exit


@app.callback()
def top(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Boot unchanged Xen PV guests inside HVM or PVH containers with the PV shim.

    Typical: shimtool convert --in /etc/xen --out /var/lib/xen/shimtool
    """


@app.command()
@takes(GuestOptions)
def scan(configs: Configs = None, *, options: GuestOptions) -> None:
    """Say what is here: each guest, how it boots, and whether it can be converted."""
    outcomes = _planned(configs, options)
    if options.json:
        _json([documents.scanned(outcome) for outcome in outcomes])
    else:
        typer.echo(show.table(documents.scan_rows(outcomes)))


@app.command()
@takes(GuestOptions)
def plan(configs: Configs = None, *, options: GuestOptions) -> None:
    """Show what convert would do: readable, with a diff of each config. Writes nothing."""
    outcomes = _planned(configs, options)
    if options.json:
        _json([documents.planned(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            if outcome.plan:
                typer.echo(show.plan(outcome.plan, config_diff(outcome)))
            _refusal(outcome)
    _end(outcomes)


@app.command()
@takes(ConvertOptions)
def convert(configs: Configs = None, *, options: ConvertOptions) -> None:
    """Write the boot ISO (HVM) or shim (PVH) and the new config of each guest."""
    outcomes = []
    for outcome in convert_guests(configs or [], options):
        outcomes.append(outcome)
        if not options.json:
            _converted(outcome, options)
        _refusal(outcome)
    if options.json:
        _json([documents.planned(outcome) for outcome in outcomes])
    else:
        for line in documents.warnings(outcomes):
            typer.echo(line, err=True)
        typer.echo(documents.summary(outcomes), err=True)
    _end(outcomes)


@app.command()
@takes(OutputOptions)
def verify(
    files: Annotated[list[Path], typer.Argument(help="An .iso or .cfg that convert wrote.")],
    *,
    options: OutputOptions,
) -> None:
    """Open outputs and check boot record, loader config, hashes, and paths the config names."""
    results, failed = [], False
    assets = find_assets()
    for file in files:
        try:
            found = verify_file(file, options.out, options.dom0_out, assets)
        except ShimtoolError as error:
            failed = True
            results.append(documents.verified(file, [], error.faults))
            typer.echo(show.error(error), err=True)
        else:
            checks = [(check.what, check.found) for check in found]
            results.append(documents.verified(file, checks, ()))
            if not options.json:
                typer.echo(show.checks(file, checks))
    if options.json:
        _json(results)
    if failed:
        raise typer.Exit(1)


@app.command()
@takes(InPlaceOptions)
def restore(configs: Configs = None, *, options: InPlaceOptions) -> None:
    """Undo --in-place: bring back the exact bytes of the configs from before."""
    results, failed = [], False
    for config in configs or converted_in_place(options.in_dir):
        try:
            restore_config(config, options.out)
        except ShimtoolError as error:
            failed = True
            results.append(documents.restored(config, error.faults))
            typer.echo(show.error(error), err=True)
        else:
            results.append(documents.restored(config, ()))
            if not options.json:
                typer.echo(show.clean(f"{config}: restored"))
    if options.json:
        _json(results)
    if failed:
        raise typer.Exit(1)


@app.command()
@takes(HostOptions)
def host(*, options: HostOptions) -> None:
    """Say what is known of this host: Xen, HVM, the mode chosen, how paths map."""
    known = options.host()
    mode = hosts.chosen_mode(known, options.mode_wanted())
    facts = documents.host(known, mode, options.roots())
    if options.json:
        _json(facts)
    else:
        typer.echo(show.table((key, documents.words(value)) for key, value in facts.items()))


def _planned(configs: list[Path] | None, options: GuestOptions) -> list[Outcome]:
    session = open_session(options)
    return list(plan_guests(find_configs(configs or [], options.in_dir), session))


def _converted(outcome: Outcome, options: ConvertOptions) -> None:
    if outcome.plan:
        typer.echo(show.converted(outcome.plan, outcome.status, options.dom0_out))


def _refusal(outcome: Outcome) -> None:
    if outcome.faults:
        typer.echo(show.error(ShimtoolError(*outcome.faults)), err=True)


def _json(document: object) -> None:
    typer.echo(json.dumps(document, indent=1))


def _end(outcomes: list[Outcome]) -> None:
    if any(outcome.status == "refused" for outcome in outcomes):
        raise typer.Exit(1)
