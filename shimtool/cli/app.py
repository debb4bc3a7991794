"""The commands: what each one takes, and how its results are printed. No logic here."""

import json
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from shimtool import __version__, text
from shimtool.assets import find_assets
from shimtool.cli import describe, results, tables
from shimtool.cli.errors import Asked, CrashedGuestsError
from shimtool.cli.examples import epilog
from shimtool.cli.manual import show_topic
from shimtool.cli.options import Debug, Json, Verbose, option_group, told
from shimtool.cli.shims import shims
from shimtool.commands.boot_test import boot_test as boot_iso
from shimtool.commands.convert import Converted
from shimtool.commands.convert import convert as convert_guests
from shimtool.commands.planning import (
    Outcome,
    Planned,
    Refused,
    done_or_refused,
    plan_guests,
)
from shimtool.commands.progress import NO_PROGRESS, Progress
from shimtool.commands.run import open_run
from shimtool.commands.settings import (
    BootTestSettings,
    ConvertSettings,
    GuestSettings,
    HostSettings,
    InPlaceSettings,
    OutputSettings,
)
from shimtool.commands.status import GuestStatus
from shimtool.commands.status import status as states_of
from shimtool.commands.verify import verify as verify_file
from shimtool.commands.verify_iso import Check
from shimtool.configs.find import Found, find_configs
from shimtool.dom0 import facts
from shimtool.errors import Fault, ShimtoolError
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
    context_settings={"help_option_names": ["-h", "--help"]},
)

Configs = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="CONFIG...",
        readable=False,  # else one that is not would stop the others
        help=told("Guest configs, folders of them, or patterns.", "all in --in"),
    ),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"shimtool {__version__}")
        raise typer.Exit


@app.callback()
def top(
    context: typer.Context,
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Boot unchanged Xen PV guests inside HVM or PVH containers with the PV shim.

    Typical: shimtool convert --in /etc/xen --out /var/lib/xen/shimtool
    """
    asked: Asked = context.obj
    asked.take(verbose=verbose, debug=debug)


@app.command(epilog=epilog("scan"))
@option_group(GuestSettings)
def scan(configs: Configs = None, *, settings: GuestSettings, as_json: Json = False) -> None:
    """List the guests: how each boots, whether it can be converted."""
    found, outcomes = _planned(configs, settings)
    guests = [results.scanned(outcome) for outcome in outcomes]
    if as_json:
        _print_json(guests)
    else:
        _print_guests(guests)
        _print_notes(tables.scan_summary(outcomes, [path for path, _why in found.skipped]))
    _raise_crashes(each.crash for each in outcomes if isinstance(each, Refused))


@app.command(epilog=epilog("plan"))
@option_group(GuestSettings)
def plan(configs: Configs = None, *, settings: GuestSettings, as_json: Json = False) -> None:
    """Show what convert would do, with a diff of each config. Writes nothing."""
    _found, outcomes = _planned(configs, settings)
    if as_json:
        _print_json([results.planned(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            if isinstance(outcome, Planned):
                typer.echo(describe.planned(outcome.plan, outcome.changes))
            else:
                _print_faults(outcome.faults)
    _end(outcomes)


@app.command(epilog=epilog("convert"))
@option_group(ConvertSettings)
def convert(configs: Configs = None, *, settings: ConvertSettings, as_json: Json = False) -> None:
    """Write each guest's config, and boot ISO (HVM) or shim (PVH)."""
    outcomes = []
    with _progress(as_json=as_json) as progress:
        for outcome in convert_guests(configs or [], settings, progress):
            outcomes.append(outcome)
            with progress.aside():
                if isinstance(outcome, Refused):
                    _print_faults(outcome.faults)
                elif not as_json:
                    typer.echo(_converted(outcome, settings))
    if as_json:
        _print_json([results.planned(outcome) for outcome in outcomes])
    else:
        for line in (*tables.warnings(outcomes), tables.convert_summary(outcomes)):
            typer.echo(line, err=True)
    _end(outcomes)


@app.command(epilog=epilog("verify"))
@option_group(OutputSettings)
def verify(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="An .iso or .cfg that convert wrote.")
    ],
    *,
    settings: OutputSettings,
    as_json: Json = False,
) -> None:
    """Check outputs: boot record, loader config, hashes, paths."""
    assets, host_out = find_assets(), settings.dom0_out
    _check(files, lambda file: verify_file(file, settings.out, host_out, assets), as_json=as_json)


@app.command("boot-test", epilog=epilog("boot-test"))
@option_group(BootTestSettings)
def boot_test(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="An .iso that convert wrote.")
    ],
    *,
    settings: BootTestSettings,
    as_json: Json = False,
) -> None:
    """Boot an ISO under plain QEMU until its shim reports. No Xen is needed."""
    memory, seconds = settings.machine_memory, settings.timeout
    _check(files, lambda file: boot_iso(file, memory, seconds), as_json=as_json)


def _check(files: list[Path], check: Callable[[Path], list[Check]], *, as_json: bool) -> None:
    """Check files one by one; print what was found right, or wrong."""

    def one(file: Path) -> tuple[object, str]:
        checks = [(each.what, each.found) for each in check(file)]
        return results.verified(file, checks, ()), describe.checks(file, checks)

    _one_by_one(
        files, one, lambda file, faults: results.verified(file, [], faults), as_json=as_json
    )


def _one_by_one(
    paths: Iterable[Path],
    work: Callable[[Path], tuple[object, str]],
    failed: Callable[[Path, Iterable[Fault]], object],
    *,
    as_json: bool,
) -> None:
    """Do some work on each path, which gives a document and a text, and print them.

    What fails does not stop the others; in the end the exit code is 1, or 3 for a fault of ours.
    """
    documents, failures = [], []
    for path in paths:
        done = done_or_refused(partial(work, path), path)
        if isinstance(done, Refused):
            failures.append(done)
            documents.append(failed(path, done.faults))
            _print_faults(done.faults)
        else:
            document, said = done
            documents.append(document)
            if not as_json:
                typer.echo(said)
    if as_json:
        _print_json(documents)
    _end(failures)


@app.command(epilog=epilog("status"))
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
    found = list(states_of(guests or [], settings.out))
    states = [results.state(each) for each in found]
    if as_json:
        _print_json(states)
    else:
        typer.echo(table(tables.status_rows(states)))
    _raise_crashes(each.crash for each in found if isinstance(each, GuestStatus))
    if any(each["stale"] for each in states):
        raise typer.Exit(1)


@app.command(epilog=epilog("restore"))
@option_group(InPlaceSettings)
def restore(configs: Configs = None, *, settings: InPlaceSettings, as_json: Json = False) -> None:
    """Undo --in-place: bring back the configs' exact bytes."""

    def one(config: Path) -> tuple[object, str]:
        restore_config(config, settings.out)
        return results.restored(config, ()), printable(f"{config}: restored")

    found = configs or converted_in_place(settings.in_dir)
    _one_by_one(found, one, results.restored, as_json=as_json)


@app.command(epilog=epilog("host"))
@option_group(HostSettings)
def host(*, settings: HostSettings, as_json: Json = False) -> None:
    """Say what is known of this host. Xen, HVM, the mode chosen, how paths map."""
    known = settings.host()
    mode = facts.chosen_mode(known, settings.mode_wanted())
    found = results.host(known, mode, settings.search_paths())
    if as_json:
        _print_json(found)
    else:
        typer.echo(table(tables.host_rows(found)))


app.add_typer(shims, name="shims")
app.command("help", epilog=epilog("help"))(show_topic)


def _planned(configs: list[Path] | None, settings: GuestSettings) -> tuple[Found, list[Outcome]]:
    run = open_run(settings)
    found = find_configs(configs or [], settings.in_dir, run.search_paths)
    return found, list(plan_guests(found.configs, run))


def _converted(outcome: Converted, settings: ConvertSettings) -> str:
    return describe.converted(outcome.planned.plan, outcome.status, settings.dom0_out)


def _progress(*, as_json: bool) -> AbstractContextManager[Progress]:
    """Return a bar, on a terminal that nothing else writes to."""
    if not is_screen(sys.stderr) or (is_pipe(sys.stdout) and not as_json):
        return nullcontext(NO_PROGRESS)
    from shimtool.cli.terminal import ProgressBar  # noqa: PLC0415 - takes 0.1 s to load

    return ProgressBar()


def _print_guests(guests: list[results.ScannedGuest]) -> None:
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


def _print_faults(faults: Iterable[Fault]) -> None:
    typer.echo(text.error(ShimtoolError(*faults)), err=True)


def _print_json(document: object) -> None:
    typer.echo(json.dumps(document, indent=1))


def _end(outcomes: Iterable[Outcome | Converted]) -> None:
    """End with exit code 1 if guests were refused; with 3, and their log, where shimtool failed."""
    refused = [each for each in outcomes if isinstance(each, Refused)]
    _raise_crashes(each.crash for each in refused)
    if refused:
        raise typer.Exit(1)


def _raise_crashes(found: Iterable[BaseException | None]) -> None:
    if crashes := [each for each in found if each is not None]:
        raise CrashedGuestsError("shimtool failed on some guests", crashes)
