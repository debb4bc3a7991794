"""`shimtool shims`: which shims are at hand, and adding one."""

import json
from pathlib import Path
from typing import Annotated

import typer

from shimtool.assets import find_assets
from shimtool.cli import tables
from shimtool.cli.flags import STYLE, Json, told
from shimtool.cli.options import option_group
from shimtool.cli.results import known
from shimtool.model import ShimKind
from shimtool.shims import catalogue
from shimtool.text import printable, table


def _kind(word: str) -> ShimKind:
    try:
        return ShimKind(word)
    except ValueError:
        raise typer.BadParameter(f"{word!r} is not one of {', '.join(ShimKind)}") from None


shims = typer.Typer(help="List, show and add PV shims.", **STYLE)


@shims.command("list")
@option_group()
def list_shims(*, as_json: Json = False) -> None:
    """List the shims at hand and say which one is the default."""
    found = [known.shim(each) for each in catalogue.load(find_assets().shims)]
    typer.echo(json.dumps(found, indent=1) if as_json else table(tables.shim_rows(found)))


@shims.command("show")
@option_group()
def show_shim(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name in shims list.")],
    *,
    as_json: Json = False,
) -> None:
    """Say all that is known of one shim, after checking its file."""
    shim = catalogue.named(catalogue.load(find_assets().shims), name)
    catalogue.verify(shim)
    found = known.shim(shim)
    rows = ((key, tables.words(value)) for key, value in found.items())
    typer.echo(json.dumps(found, indent=1) if as_json else table(rows))


@shims.command("add")
@option_group()
def add_shims(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="ELF, .gz, .deb, .rpm or .apk files.")
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=told("Call it so.", "made from its version")),
    ] = None,
    kind: Annotated[
        ShimKind | None,
        typer.Option(
            metavar="|".join(ShimKind),
            parser=_kind,
            help="What it is, where its bytes do not tell: you vouch for it.",
        ),
    ] = None,
    version: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="The Xen it is built from, where its bytes do not tell: you vouch for it.",
        ),
    ] = None,
) -> None:
    """Identify shims, also those in packages, and add them."""
    from shimtool.shims.add import add  # noqa: PLC0415 - loads what list and show do not need

    for file in files:
        for added in add(find_assets().shims, file, name, kind, version):
            told = "already there, now with its version" if added.told else "already there"
            what = "added" if added.new else told
            typer.echo(printable(f"{what}: {added.shim.name} ({added.shim.origin})"))
