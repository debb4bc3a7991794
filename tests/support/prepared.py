"""What each forked command line would begin with, done once: nothing here depends on its words.

The real functions do it; what they give is kept, and the children inherit it.
"""

import gc
from functools import cache
from importlib import import_module

import typer.main

from shimtool.cli.app import app
from shimtool.configs.xm.keys import read_by_xl
from shimtool.configs.xm.source import parse_python
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
