"""`shimtool shims`: which shims are at hand, and adding one."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from shimtool.assets import find_assets
from shimtool.cli import results as documents
from shimtool.commands.settings import Json, option_group
from shimtool.model import Shim, ShimKind
from shimtool.shims import catalogue
from shimtool.shims.add import add
from shimtool.shims.kinds import kind_of
from shimtool.text import printable, table

shims = typer.Typer(help="List, show and add PV shims.", no_args_is_help=True)


@shims.command("list")
@option_group()
def list_shims(*, json_: Json = False) -> None:
    """List the shims at hand and say which one is the default."""
    found = catalogue.load(find_assets().shims)
    if json_:
        typer.echo(json.dumps([_facts(shim) for shim in found], indent=1))
        return
    rows = [("NAME", "VERSION", "KIND", "MODES", "SIZE", "ORIGIN")]
    rows += [
        (
            shim.name,
            shim.version or "unknown",
            shim.kind,
            " ".join(sorted(shim.modes)),
            f"{shim.size / 1e6:.1f} MB",
            shim.origin,
        )
        for shim in found
    ]
    typer.echo(table(rows))


@shims.command("show")
@option_group()
def show_shim(name: str, *, json_: Json = False) -> None:
    """Say all that is known of one shim, after checking that its file is whole."""
    shim = catalogue.named(catalogue.load(find_assets().shims), name)
    catalogue.verify(shim)
    facts = _facts(shim)
    if json_:
        typer.echo(json.dumps(facts, indent=1))
    else:
        typer.echo(table((key, documents.words(value)) for key, value in facts.items()))


@shims.command("add")
@option_group()
def add_shims(
    files: Annotated[list[Path], typer.Argument(help="ELF, .gz, .deb, .rpm or .apk files.")],
    *,
    name: Annotated[str | None, typer.Option(help="Call it so. [from its version]")] = None,
    kind: Annotated[
        ShimKind | None,
        typer.Option(help="What it is, where its bytes do not tell: you vouch for it."),
    ] = None,
) -> None:
    """Identify shims, or those in packages, and add them to the catalogue."""
    for file in files:
        for added in add(find_assets().shims, file, name, kind):
            what = "added" if added.new else "already there"
            typer.echo(printable(f"{what}: {added.shim.name} ({added.shim.origin})"))


def _facts(shim: Shim) -> dict[str, Any]:
    known = kind_of(shim)
    return {
        "name": shim.name,
        "version": shim.version,
        "kind": shim.kind,
        "modes": sorted(shim.modes),
        "size": shim.size,
        "sha256": shim.sha256,
        "build-id": shim.build_id,
        "origin": shim.origin,
        "file": str(shim.file),
        "hosts": f"{known.hosts} ({known.hosts_source})",
        "arguments": known.arguments,
        "caveats": list(known.caveats),
    }
