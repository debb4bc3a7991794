"""How results and faults are printed, and how a command ends."""

import json
import sys
from collections.abc import Iterable

import typer

from shimtool import text
from shimtool.cli.errors import CrashedGuestsError
from shimtool.commands.outcomes import Converted, Outcome, Refused
from shimtool.deferred import regex
from shimtool.errors import Fault, ShimtoolError
from shimtool.system import streams

_LABEL = regex(r"  (?:seen|do): +")  # of a fault


def print_faults(faults: Iterable[Fault]) -> None:
    """Print to standard error."""
    print_notes(text.error(ShimtoolError(*faults)).splitlines())


def print_notes(lines: Iterable[str]) -> None:
    """Print lines on standard error; on a terminal they break between words."""
    columns = streams.columns(sys.stderr)
    for line in lines:
        label = _LABEL.match(line)
        typer.echo(text.wrapped(line, columns, label.end() if label else None), err=True)


def print_json(document: object) -> None:
    """Print one document."""
    typer.echo(json.dumps(document, indent=1))


def end(outcomes: Iterable[Outcome | Converted]) -> None:
    """End with exit code 1 if guests were refused; with 3, and their log, where shimtool failed."""
    refused = [each for each in outcomes if isinstance(each, Refused)]
    raise_crashes(each.crash for each in refused)
    if refused:
        raise typer.Exit(1)


def raise_crashes(found: Iterable[BaseException | None]) -> None:
    """End with exit code 3 for faults in shimtool itself, if there are any."""
    if crashes := [each for each in found if each is not None]:
        raise CrashedGuestsError("shimtool failed on some guests", crashes)
