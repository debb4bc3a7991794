"""`shimtool verify`."""

from pathlib import Path
from typing import Annotated

import typer

from shimtool.assets import find_assets
from shimtool.cli.flags import Json
from shimtool.cli.one_by_one import check
from shimtool.cli.options import option_group
from shimtool.commands.settings import OutputSettings
from shimtool.commands.verify import verify as verify_file


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
    check(files, lambda file: verify_file(file, settings.out, host_out, assets), as_json=as_json)
