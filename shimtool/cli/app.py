"""The command line: its commands, each of which is loaded when it is asked for. No logic here."""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from shimtool import __version__
from shimtool.cli.errors import Asked
from shimtool.cli.examples import epilog
from shimtool.cli.flags import STYLE, Debug, Verbose

# In the order of --help. commands/scan.py holds the function `scan`; "boot-test" is boot_test.
COMMANDS = {
    "scan": "List the guests: how each boots, whether it can be converted.",
    "plan": "Show what convert would do, with a diff of each config.",
    "convert": "Write each guest's config, and boot ISO (HVM) or shim (PVH).",
    "verify": "Check outputs: boot record, loader config, hashes, paths.",
    "boot-test": "Boot an ISO under plain QEMU until its shim reports.",
    "status": "Say which outputs are stale, and why.",
    "restore": "Undo --in-place: bring back the configs' exact bytes.",
    "host": "Say what is known of this host.",
    "shims": "List, show and add PV shims.",
    "help": "Show a page of the manual, or the list of them.",
}


@cache
def _load(name: str) -> Any:  # noqa: ANN401 - typer's own copy of click has no public types
    word = name.replace("-", "_")
    found = getattr(import_module(f"shimtool.cli.commands.{word}"), word)
    if isinstance(found, typer.Typer):
        return get_command(found)
    alone = typer.Typer(**(STYLE | {"no_args_is_help": False}))
    alone.command(name, epilog=epilog(name))(found)
    return get_command(alone)


class _Commands(Mapping[str, Any]):
    """Commands by name: one that nobody asks for is not loaded."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - as above
        if name not in COMMANDS:
            raise KeyError(name)
        return _load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class _Group(TyperGroup):
    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401 - what typer gives
        super().__init__(**attributes)
        self.commands = _Commands()  # type: ignore[assignment] # nobody adds any

    def format_commands(self, _context: object, formatter: Any) -> None:  # noqa: ANN401 - as above
        """List them by what they are said to do here, so that none is loaded."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


app = typer.Typer(name="shimtool", cls=_Group, **STYLE)


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
