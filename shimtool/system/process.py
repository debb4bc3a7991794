"""The one door to other programs."""

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shimtool.errors import fault
from shimtool.system.activity import note


@contextmanager
def running(argv: Sequence[str | Path]) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a program that does not end by itself, no shell; kill it on leaving the block.

    Raises ShimtoolError when it is missing. What it prints goes nowhere.
    """
    words = [str(word) for word in argv]
    note("run", shlex.join(words))
    try:
        process = subprocess.Popen(  # noqa: S603 - argv lists only, never a shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        remedy = "install it, then try again"
        raise fault(f"program not found: {words[0]}", remedy=remedy) from None
    with process:
        try:
            yield process
        finally:
            process.kill()
