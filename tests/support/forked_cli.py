"""The command line in a forked child: all is imported already, so it can be killed at its work."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shimtool.cli.main import main

_PATIENCE = 60  # seconds; then SIGALRM ends the child: exit code -14


@dataclass(frozen=True)
class Ended:
    """How a child ended: its exit code (-9: killed), its messages, time in seconds.

    `memory` is what it had at its peak beyond what it was forked with, in MiB.
    """

    code: int
    said: str
    seconds: float
    memory: int


def run(words: Sequence[str | Path], log: Path, kill_after: float | None = None) -> Ended:
    """Run the real command line with `words`; with `kill_after`, SIGKILL it that many seconds on.

    What it prints, on both streams, goes to the file `log`.
    """
    return run_any(lambda: _command_line(words), log, kill_after)


def run_any(work: Callable[[], None], log: Path, kill_after: float | None = None) -> Ended:
    """Do any other work in such a child; exit code 97 for an exception."""
    ready, write = os.pipe()
    before = _resident()
    child = os.fork()
    if not child:
        _become(work, log, write)
    os.close(write)
    os.read(ready, 1)
    os.close(ready)
    started = time.monotonic()
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _pid, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - started
    said = log.read_text(errors="backslashreplace")
    memory = (usage.ru_maxrss << 10) - before >> 20
    return Ended(os.waitstatus_to_exitcode(status), said, seconds, memory)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _command_line(words: Sequence[str | Path]) -> None:
    sys.argv = ["shimtool", *map(str, words)]
    main()


def _become(work: Callable[[], None], log: Path, ready: int) -> None:
    """Be the child; never returns."""
    code = 99  # something here went wrong, not in the program
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - descriptors of a process
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - as above
        signal.alarm(_PATIENCE)
        os.write(ready, b"!")
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 98
    except BaseException:  # noqa: BLE001 - what Python would do with it
        sys.excepthook(*sys.exc_info())
        code = 97
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
