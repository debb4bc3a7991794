"""What each forked command line would begin with, done once: nothing here depends on its words.

The real functions do it; what they give is kept, and the children inherit it.
"""

import gc
import io
import os
from functools import cache
from importlib import import_module
from typing import BinaryIO

import pycdlib
import typer.main

from shimtool.assets import VARIABLE, find_assets
from shimtool.cli.app import app
from shimtool.configs.xm.keys import read_by_xl
from shimtool.configs.xm.source import parse_python
from shimtool.output.iso_content import BOOT_FILE, BOOT_INFO_END
from shimtool.shims.kinds import kinds

# What a command loads when it needs it.
_LOADED = (
    "shimtool.shims.packages", "shimtool.shims.elf", "shimtool.configs.xm",
    "shimtool.payload.guest_disk.extract", "shimtool.payload.untrusted", "_strptime",
    "typer._click.decorators", "typer._click._textwrap", "zstandard", "lz4.block", "lzallright",
    "dissect.volume.disk", "dissect.volume.lvm", "dissect.extfs", "dissect.xfs",
    "dissect.btrfs", "dissect.util.stream",
)  # fmt: skip


def prepare() -> None:
    """Load all, build the commands, read the package's own tables; for a process that forks."""
    for name in _LOADED:
        import_module(name)
    parse_python(b"")
    keep()
    gc.freeze()


@cache
def keep() -> None:
    """Keep what is made for each command line, for a process that runs many."""
    build = cache(typer.main.get_command)
    setattr(typer.main, "get_command", build)  # noqa: B010 - the same, and keeps what it built
    build(app)
    kinds()
    read_by_xl()
    _keep_checksum()


def _keep_checksum() -> None:
    """Let isolinux.bin, of which each ISO holds a checksum, be summed up once: it takes 7 ms."""
    name = "_calculate_eltorito_boot_info_table_csum"
    really = getattr(pycdlib.PyCdlib, name)
    iso = pycdlib.PyCdlib()
    iso.new()
    given = os.environ.pop(VARIABLE, None)  # a test's own, perhaps, in which not all is there
    boot = (find_assets().boot / BOOT_FILE).read_bytes()
    os.environ |= {} if given is None else {VARIABLE: given}
    known = really(iso, io.BytesIO(boot), len(boot))

    def checksum(iso: pycdlib.PyCdlib, file: BinaryIO, length: int) -> int:
        if length != len(boot):
            return int(really(iso, file, length))
        data = file.read(length)
        same = data[BOOT_INFO_END:] == boot[BOOT_INFO_END:]  # before that it is left out
        return int(known if same else really(iso, io.BytesIO(data), length))

    setattr(pycdlib.PyCdlib, name, checksum)
