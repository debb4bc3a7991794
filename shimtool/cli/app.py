"""The command line: parses, calls the pipeline, prints what `show` renders. No logic here."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from shimtool import __version__, text
from shimtool.assets import find_assets
from shimtool.cli import describe
from shimtool.cli import results as documents
from shimtool.cli.examples import epilog
from shimtool.cli.shims import shims
from shimtool.commands.boot_test import boot_test as boot_iso
from shimtool.commands.convert import convert as convert_guests
from shimtool.commands.planning import Outcome, config_diff, plan_guests
from shimtool.commands.progress import NO_PROGRESS, Progress
from shimtool.commands.run import open_session
from shimtool.commands.settings import (
    BootTestOptions,
    ConvertOptions,
    GuestOptions,
    HostOptions,
    InPlaceOptions,
    OutputOptions,
    option_group,
)
from shimtool.commands.status import status as standing_of
from shimtool.commands.verify import Check
from shimtool.commands.verify import verify as verify_file
from shimtool.configs.find import find_configs
from shimtool.dom0 import facts
from shimtool.errors import ShimtoolError
from shimtool.output.originals import converted_in_place
from shimtool.output.originals import restore as restore_config
from shimtool.system.streams import is_pipe, is_screen
from shimtool.text import printable, table

app = typer.Typer(
    name="shimtool",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(shims, name="shims")

Configs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="CONFIG...",
        readable=False,  # else one that is not would stop the others
        help="Guest configs, folders of them, or patterns. [all in --in]",
    ),
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


@app.command(epilog=epilog("scan"))
@option_group(GuestOptions)
def scan(configs: Configs = None, *, options: GuestOptions) -> None:
    """Say what is here: each guest, how it boots, and whether it can be converted."""
    session = open_session(options)
    found = find_configs(configs or [], options.in_dir, session.roots)
    outcomes = list(plan_guests(found.configs, session))
    guests = [documents.scanned(outcome) for outcome in outcomes]
    if options.json:
        _json(guests)
        return
    if is_screen(sys.stdout):
        from shimtool.cli.terminal import print_guests  # noqa: PLC0415 - takes 0.1 s to load

        print_guests(guests)
    else:
        typer.echo(table(documents.scan_rows(guests)))
    _notes(documents.scan_summary(outcomes, [path for path, _why in found.skipped]))


@app.command(epilog=epilog("plan"))
@option_group(GuestOptions)
def plan(configs: Configs = None, *, options: GuestOptions) -> None:
    """Show what convert would do: readable, with a diff of each config. Writes nothing."""
    outcomes = _planned(configs, options)
    if options.json:
        _json([documents.planned(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            if outcome.plan:
                typer.echo(describe.planned(outcome.plan, config_diff(outcome)))
            _refusal(outcome)
    _end(outcomes)


@app.command(epilog=epilog("convert"))
@option_group(ConvertOptions)
def convert(configs: Configs = None, *, options: ConvertOptions) -> None:
    """Write the boot ISO (HVM) or shim (PVH) and the new config of each guest."""
    outcomes = []
    with _watch(options) as watch:
        for outcome in convert_guests(configs or [], options, watch):
            outcomes.append(outcome)
            with watch.aside():
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


@app.command(epilog=epilog("verify"))
@option_group(OutputOptions)
def verify(
    files: Annotated[list[Path], typer.Argument(help="An .iso or .cfg that convert wrote.")],
    *,
    options: OutputOptions,
) -> None:
    """Open outputs and check boot record, loader config, hashes, and paths the config names."""
    assets = find_assets()
    _check(files, lambda file: verify_file(file, options.out, options.dom0_out, assets), options)


@app.command("boot-test", epilog=epilog("boot-test"))
@option_group(BootTestOptions)
def boot_test(
    files: Annotated[list[Path], typer.Argument(help="An .iso that convert wrote.")],
    *,
    options: BootTestOptions,
) -> None:
    """Boot an ISO under plain QEMU, without Xen, until its shim reports what it was given."""
    _check(files, lambda file: boot_iso(file, options.memory, options.timeout), options)


def _check(
    files: list[Path],
    check: Callable[[Path], list[Check]],
    options: OutputOptions | BootTestOptions,
) -> None:
    """Check files one by one; print what was found right, or wrong."""
    results, failed = [], False
    for file in files:
        try:
            checks = [(each.what, each.found) for each in check(file)]
        except ShimtoolError as error:
            failed = True
            results.append(documents.verified(file, [], error.faults))
            typer.echo(text.error(error), err=True)
        else:
            results.append(documents.verified(file, checks, ()))
            if not options.json:
                typer.echo(describe.checks(file, checks))
    if options.json:
        _json(results)
    if failed:
        raise typer.Exit(1)


@app.command(epilog=epilog("status"))
@option_group(OutputOptions)
def status(
    configs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="GUEST...", help="Names or configs. [all in --out]"),
    ] = None,
    *,
    options: OutputOptions,
) -> None:
    """Say which outputs are stale, and why: kernel replaced, config edited, shim newer, damage."""
    standings = list(standing_of(configs or [], options))
    if options.json:
        _json([documents.standing(each) for each in standings])
    else:
        typer.echo(table(documents.standing_rows(standings)))
    if any(each.reasons for each in standings):
        raise typer.Exit(1)


@app.command(epilog=epilog("restore"))
@option_group(InPlaceOptions)
def restore(configs: Configs = None, *, options: InPlaceOptions) -> None:
    """Undo --in-place: bring back the exact bytes of the configs from before."""
    results, failed = [], False
    for config in configs or converted_in_place(options.in_dir):
        try:
            restore_config(config, options.out)
        except ShimtoolError as error:
            failed = True
            results.append(documents.restored(config, error.faults))
            typer.echo(text.error(error), err=True)
        else:
            results.append(documents.restored(config, ()))
            if not options.json:
                typer.echo(printable(f"{config}: restored"))
    if options.json:
        _json(results)
    if failed:
        raise typer.Exit(1)


@app.command(epilog=epilog("host"))
@option_group(HostOptions)
def host(*, options: HostOptions) -> None:
    """Say what is known of this host: Xen, HVM, the mode chosen, how paths map."""
    known = options.host()
    mode = facts.chosen_mode(known, options.mode_wanted())
    found = documents.host(known, mode, options.roots())
    if options.json:
        _json(found)
    else:
        typer.echo(table(documents.host_rows(found)))


def _planned(configs: list[Path] | None, options: GuestOptions) -> list[Outcome]:
    session = open_session(options)
    found = find_configs(configs or [], options.in_dir, session.roots)
    return list(plan_guests(found.configs, session))


def _notes(lines: list[str]) -> None:
    if is_screen(sys.stderr):
        from shimtool.cli.terminal import print_notes  # noqa: PLC0415 - takes 0.1 s to load

        print_notes(lines)
    else:
        typer.echo("\n".join(lines), err=True)


def _watch(options: ConvertOptions) -> AbstractContextManager[Progress]:
    """Return a bar, on a terminal that nothing else writes to."""
    if not is_screen(sys.stderr) or (is_pipe(sys.stdout) and not options.json):
        return nullcontext(NO_PROGRESS)
    from shimtool.cli.terminal import ProgressBar  # noqa: PLC0415 - takes 0.1 s to load

    return ProgressBar()


def _converted(outcome: Outcome, options: ConvertOptions) -> None:
    if outcome.plan:
        typer.echo(describe.converted(outcome.plan, outcome.status, options.dom0_out))


def _refusal(outcome: Outcome) -> None:
    if outcome.faults:
        typer.echo(text.error(ShimtoolError(*outcome.faults)), err=True)


def _json(document: object) -> None:
    typer.echo(json.dumps(document, indent=1))


def _end(outcomes: list[Outcome]) -> None:
    if any(outcome.status == "refused" for outcome in outcomes):
        raise typer.Exit(1)
