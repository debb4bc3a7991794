"""What the image's two entry points share: how its command lines begin, and what it cannot do."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from shimtool.assets import VARIABLE
from shimtool.commands.boot_test import QEMU
from shimtool.errors import ShimtoolError, fault

HELP = ("-h", "--help")
TOP = (*HELP, "--version")
# May stand before a command, and mean the same after it.
_BEFORE = ("-v", "--verbose", "--debug")


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the flags before the command, and the rest; without a command that is convert."""
    flags = list(takewhile(lambda word: word in _BEFORE, words))
    rest = list(words[len(flags) :])
    if not rest or (rest[0].startswith("-") and rest[0] not in TOP):
        rest = ["convert", *rest]
    return flags, rest


def asks_help(words: Sequence[str]) -> bool:
    """Whether a command line is answered by a help text, and does nothing else."""
    return words[:1] == ["help"] or any(word in HELP for word in words)


def values_of(words: Sequence[str], defaults: Mapping[str, object]) -> dict[str, Any]:
    """Return the values of a command's options and arguments, as far as they can be read."""
    from typer.main import get_command  # noqa: PLC0415 - Ctrl-C may come while this loads

    from shimtool.cli.app import app  # noqa: PLC0415 - likewise

    command = getattr(get_command(app), "commands", {}).get(words[0])
    if command is None:
        return {}
    context = command.make_context(
        words[0], list(words[1:]), resilient_parsing=True, default_map=dict(defaults)
    )
    return dict(context.params)


def fixed_shims(shims: Path) -> ShimtoolError:
    """Build the error for adding shims to the image itself."""
    return fault(
        "the shims of the image are fixed: one added here would be lost",
        shims,
        remedy="give its xen-shim to convert itself (--shim FILE), make an image that has"
        f" it (make image SHIM=FILE), or mount a copy of {shims.parent}, named in {VARIABLE}",
    )


def no_qemu() -> ShimtoolError:
    """Build the error for boot-test."""
    return fault(
        "boot-test needs QEMU, which this image is too small for",
        QEMU,
        remedy="copy the ISO to where QEMU and shimtool (pip, a checkout) are, and run it there",
    )
