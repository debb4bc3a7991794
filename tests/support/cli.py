"""The one way to run the command line: in a forked child, where everything is imported already.

A program that must be started anew, with less rights or another /sys, is run as
`python -m shimtool` by giving what it is run `through`.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support import child
from tests.support.fork_server import Child
from tests.support.prepared import keep

# A command that makes the folder after it this program's /sys. Propagation stays as it is: / may
# be no mount point (in a chroot), and then cannot be changed.
OWN_SYS = (
    *("unshare", "-m", "--propagation", "unchanged"),
    *("sh", "-c", 'mount --bind "$0" /sys && exec "$@"'),
)


@dataclass(frozen=True)
class Result:
    """What a run left: exit code (-9: killed), standard output and standard error.

    Of a forked child also what it took: `cpu` seconds, and `memory` at its peak beyond what it
    was forked with, in MiB.
    """

    code: int
    out: str
    err: str
    cpu: float = 0.0
    memory: int = 0

    @property
    def said(self) -> str:
        """All that was printed."""
        return self.out + self.err


def shimtool_cli(
    *words: str | Path,
    through: Sequence[str] = (),
    tracer: Sequence[str] = (),
    faketime: str | None = None,
) -> Result:
    """Run shimtool; perhaps `through` another program.

    `tracer` is a command line of strace, which is attached before the work begins. `faketime` is
    how far off the clock is: "-3y" or "+20y".
    """
    if through:
        return _started([*through, sys.executable, "-m", "shimtool", *map(str, words)])
    return in_child(partial(child.command_line, [str(word) for word in words]), tracer, faketime)


def in_child(
    work: Callable[[], None], tracer: Sequence[str] = (), faketime: str | None = None
) -> Result:
    """Do work in a child as small as those that run the command line; exit code 97: an exception.

    It can be pickled: functions by their modules' names, of which none needs pytest.
    """
    out, err = os.memfd_create("out"), os.memfd_create("err")
    process = Child(work, out, err, faketime)
    with _attached(tracer, process.pid):
        process.begin()
        taken = process.ended()
    return _result(taken, out, err)


def run_script(path: Path, *words: str | Path, through: Sequence[str] = ()) -> Result:
    """Run a Python program that runs shimtool in its own way."""
    if through:
        return _started([*through, sys.executable, str(path), *map(str, words)])
    return in_child(partial(child.script, [path, *words]))


def _started(words: Sequence[str]) -> Result:
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        timeout=child.HUNG,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def forked(work: Callable[[], None]) -> Result:
    """Do any work in a child of this very process, which is large; exit code 97: an exception."""
    wait, go = os.pipe()
    out, err = os.memfd_create("out"), os.memfd_create("err")
    before = child.resident()
    pid = child.fork(work, out, err, wait)
    os.write(go, b"!")
    taken = child.ended(pid, before)
    for end in (wait, go):
        os.close(end)
    return _result(taken, out, err)


def run_here(*words: str | Path) -> Result:
    """Run a command line in this very process: for `forked` work that runs many."""
    keep()
    kept = os.dup(1), os.dup(2)
    streams = os.memfd_create("out"), os.memfd_create("err")
    child.redirect(*streams)
    code = 96  # it did not end as it should
    try:
        child.command_line(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 98
    finally:
        child.redirect(*kept)
    return Result(code, child.content(streams[0]), child.content(streams[1]))


@contextmanager
def _attached(tracer: Sequence[str], pid: int) -> Iterator[None]:
    if not tracer:
        yield
        return
    words = [*tracer, "-p", str(pid)]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert b"attached" in (said := process.stderr.readline()), said
        yield
        process.stderr.read()  # to its end, which is the child's


def _result(taken: child.Taken, out: int, err: int) -> Result:
    return Result(taken.code, child.content(out), child.content(err), taken.cpu, taken.memory)


# root, but without the right to read everything
POWERLESS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def refused(result: Result, *words: str) -> None:
    """Exit 1, an error that says all of `words`, and never a traceback."""
    assert result.code == 1, result
    assert "Traceback" not in result.err
    assert "error: " in result.err
    for word in words:
        assert word in result.err, f"{word!r} is not in:\n{result.err}"
