"""What each forked command line would begin with, done once: nothing here depends on its words.

The real functions do it; what they give is kept, and the children inherit it.
"""

import gc
import sys
from contextlib import suppress
from dataclasses import is_dataclass
from functools import cache, partial
from importlib import import_module
from pkgutil import walk_packages
from typing import Any

import typer.main

import shimtool
from shimtool import deferred
from shimtool.cli.app import COMMANDS, app
from shimtool.configs.xm.keys import read_by_xl
from shimtool.configs.xm.source import parse_python
from shimtool.shims.kinds import kinds

# What a command loads when it needs it, beside this package's own modules.
_LOADED = (
    "_strptime", "concurrent.futures.thread", "logging", "pycdlib", "yaml",
    "typer._click.decorators", "typer._click._textwrap", "zstandard", "lz4.block", "lzallright",
    "dissect.volume.disk", "dissect.volume.lvm", "dissect.extfs", "dissect.xfs",
    "dissect.btrfs", "dissect.util.stream",
)  # fmt: skip


def prepare() -> None:
    """Load all, build the commands, read the package's own tables; for a process that forks."""
    for name in (*_LOADED, *_own_modules()):
        import_module(name)
    _compile()
    parse_python(b"")
    keep()
    gc.freeze()


def _own_modules() -> list[str]:
    found = walk_packages(shimtool.__path__, "shimtool.")
    return [each.name for each in found if not each.name.endswith("__main__")]


def _compile() -> None:
    """Use once what shimtool/deferred.py compiles at its first use."""
    pattern: Any = deferred.regex
    modules = [module for name, module in sys.modules.items() if name.startswith("shimtool")]
    for value in [value for module in modules for value in vars(module).values()]:
        if isinstance(value, pattern):
            for method in ("match", "search", "fullmatch", "sub", "finditer", "findall", "split"):
                getattr(value, method)
        elif isinstance(value, type) and is_dataclass(value):
            made = object.__new__(value)
            for use in (
                value.__init__,
                value.__hash__,
                value.__repr__,
                partial(value.__eq__, made),
            ):
                with suppress(Exception):  # it has no fields yet
                    use(made)


@cache
def keep() -> None:
    """Keep what is made for each command line, for a process that runs many."""
    build = cache(typer.main.get_command)
    setattr(typer.main, "get_command", build)  # noqa: B010 - the same, and keeps what it built
    group: Any = build(app)
    for name in COMMANDS:
        group.commands[name]
    kinds()
    read_by_xl()
