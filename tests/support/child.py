"""A forked child that does some work: what it was given and what it left.

It is a process of its own (exit code, signals, limits, memory), yet starts in milliseconds, as
everything is imported already.
"""

import gc
import os
import resource
import runpy
import select
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shimtool.cli.main import run

# Seconds after which a child is taken for hung: it dies of SIGALRM, exit code -14. Only a guard,
# far beyond what a busy machine needs.
HUNG = 900


@dataclass(frozen=True)
class Taken:
    """What a child that ended took: CPU seconds, and MiB beyond what it was forked with."""

    code: int
    cpu: float
    memory: int


def fork(work: Callable[[], None], out: int, err: int, wait: int) -> int:
    """Fork a child that works once `wait` can be read; exit code 97 for an exception.

    When this returns, it waits: a tracer that is attached then counts the work's calls alone.
    """
    waits, at_it = os.pipe()
    child = os.fork()
    if not child:
        os.close(waits)
        _become(work, (out, err), wait, at_it)
    os.close(at_it)
    os.read(waits, 1)
    os.close(waits)
    return child


def ended(child: int, before: int) -> Taken:
    """Wait for a child that was forked from `before` bytes of memory."""
    _pid, status, usage = os.wait4(child, 0)
    return Taken(
        code=os.waitstatus_to_exitcode(status),
        cpu=usage.ru_utime + usage.ru_stime,
        memory=(usage.ru_maxrss << 10) - before >> 20,
    )


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def content(descriptor: int) -> str:
    """All of a file that was written to; closes it."""
    with open(descriptor, "rb") as file:
        file.seek(0)
        return file.read().decode(errors="surrogateescape")


def command_line(words: Sequence[str | Path]) -> None:
    """Be shimtool."""
    sys.argv = ["shimtool", *map(str, words)]
    sys.exit(run())


def script(words: Sequence[str | Path]) -> None:
    """Be a Python program: its file, then what it is given."""
    sys.argv = list(map(str, words))
    runpy.run_path(sys.argv[0], run_name="__main__")


def redirect(out: int, err: int) -> None:
    """Let what is printed from now on go to these descriptors."""
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - descriptors of a process
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - as above


def _become(work: Callable[[], None], out: tuple[int, int], wait: int, at_it: int) -> None:
    """Be the child; never returns."""
    code = 99  # something here went wrong, not in the program
    gc.freeze()  # what was inherited is never looked through: the pages stay shared
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - descriptors of a process
        redirect(*out)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.alarm(HUNG)
        os.write(at_it, b"!")
        os.close(at_it)
        select.select([wait], [], [])  # no read(), which a tracer may count
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
