"""`shimtool boot-test`."""

from pathlib import Path
from typing import Annotated

import typer

from shimtool.cli.flags import Json
from shimtool.cli.one_by_one import check
from shimtool.cli.options import option_group
from shimtool.commands.boot_test import boot_test as boot_iso
from shimtool.commands.settings import BootTestSettings


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
    check(files, lambda file: boot_iso(file, memory, seconds), as_json=as_json)
