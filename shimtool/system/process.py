"""The one door to other programs."""

import logging
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shimtool.errors import ShimtoolError, fault

log = logging.getLogger(__name__)


def run(
    argv: Sequence[str | Path], *, timeout: float | None = None, cwd: Path | None = None
) -> str:
    """Run a program, no shell; return its standard output as text.

    Raises ShimtoolError with a command line to replay when it is missing, fails or hangs.
    """
    words = [str(word) for word in argv]
    replay = shlex.join(words)
    log.info("run: %s", replay)
    try:
        done = subprocess.run(  # noqa: S603 - argv lists only, never a shell
            words, capture_output=True, check=False, timeout=timeout, cwd=cwd
        )
    except FileNotFoundError:
        raise _missing(words[0]) from None
    except subprocess.TimeoutExpired:
        raise fault(f"{words[0]} did not end within {timeout:g} s", seen=replay) from None
    if done.returncode:
        last = done.stderr.decode(errors="backslashreplace").strip()[-2000:]
        raise fault(f"{words[0]} failed with exit code {done.returncode}: {last}", seen=replay)
    return done.stdout.decode(errors="backslashreplace")


@contextmanager
def running(argv: Sequence[str | Path]) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a program that does not end by itself, no shell; kill it on leaving the block.

    Raises ShimtoolError when it is missing. What it prints goes nowhere.
    """
    words = [str(word) for word in argv]
    log.info("start: %s", shlex.join(words))
    try:
        process = subprocess.Popen(  # noqa: S603 - argv lists only, never a shell
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise _missing(words[0]) from None
    with process:
        try:
            yield process
        finally:
            process.kill()


def _missing(program: str) -> ShimtoolError:
    return fault(f"program not found: {program}", remedy="install it, then try again")
