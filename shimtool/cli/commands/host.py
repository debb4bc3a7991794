"""`shimtool host`."""

import typer

from shimtool.cli import tables
from shimtool.cli.flags import Json
from shimtool.cli.options import option_group
from shimtool.cli.printing import print_json
from shimtool.cli.results import known
from shimtool.commands.settings import HostSettings
from shimtool.dom0 import facts
from shimtool.text import table


@option_group(HostSettings)
def host(*, settings: HostSettings, as_json: Json = False) -> None:
    """Say what is known of this host. Xen, HVM, the mode chosen, how paths map."""
    xen = settings.host()
    mode = facts.chosen_mode(xen, settings.mode_wanted())
    found = known.host(xen, mode, settings.search_paths())
    if as_json:
        print_json(found)
    else:
        typer.echo(table(tables.host_rows(found)))
