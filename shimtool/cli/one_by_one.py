"""Commands that take files one by one: what fails does not stop the others."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import typer

from shimtool.cli import describe
from shimtool.cli.printing import end, print_faults, print_json
from shimtool.cli.results import guests as guest_results
from shimtool.commands.outcomes import Refused, done_or_refused
from shimtool.commands.verify_iso import Check
from shimtool.errors import Fault


def check(files: list[Path], check: Callable[[Path], list[Check]], *, as_json: bool) -> None:
    """Check files one by one; print what was found right, or wrong."""

    def one(file: Path) -> tuple[object, str]:
        checks = [(each.what, each.found) for each in check(file)]
        return guest_results.verified(file, checks, ()), describe.checks(file, checks)

    one_by_one(
        files, one, lambda file, faults: guest_results.verified(file, [], faults), as_json=as_json
    )


def one_by_one(
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
            print_faults(done.faults)
        else:
            document, said = done
            documents.append(document)
            if not as_json:
                typer.echo(said)
    if as_json:
        print_json(documents)
    end(failures)
