"""The one way to run the command line: in a forked child, where everything is imported already.

The child is a process of its own (exit code, signals, limits, memory), yet starts in
milliseconds. A program that must be started anew, under strace or with less rights, is run as
`python -m shimtool` by giving what it is run `through`.
"""

import gc
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from shimtool.cli.main import main

# What a command loads when it needs it: here once, so that no child has to.
for _name in (
    *("cli.app", "shims.packages", "shims.elf", "configs.xm"),
    "payload.guest_disk.extract",
):
    import_module(f"shimtool.{_name}")
for _name in ("zstandard", "lz4.block", "lzallright", "dissect.volume.disk", "dissect.volume.lvm",
              "dissect.extfs", "dissect.xfs", "dissect.btrfs", "dissect.util.stream"):  # fmt: skip
    import_module(_name)

# Seconds after which a child is taken for hung: it dies of SIGALRM, exit code -14. Only a guard,
# far beyond what a busy machine needs.
_HUNG = 900

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
    was forked with, in MiB; `seconds` by the clock, to choose moments by and never to judge.
    """

    code: int
    out: str
    err: str
    cpu: float = 0.0
    memory: int = 0
    seconds: float = 0.0

    @property
    def said(self) -> str:
        """All that was printed."""
        return self.out + self.err


def shimtool_cli(
    *words: str | Path,
    through: Sequence[str] = (),
    tracer: Sequence[str] = (),
    kill_after: float | None = None,
) -> Result:
    """Run shimtool; perhaps `through` another program, or SIGKILL it so many seconds on.

    `tracer` is a command line of strace, which is attached before the work begins.
    """
    if through:
        return _started([*through, sys.executable, "-m", "shimtool", *map(str, words)])
    return forked(lambda: _command_line(words), tracer=tracer, kill_after=kill_after)


def run_script(path: Path, *words: str | Path, through: Sequence[str] = ()) -> Result:
    """Run a Python program that runs shimtool in its own way."""
    return _started([*through, sys.executable, str(path), *map(str, words)])


def _started(words: Sequence[str]) -> Result:
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        timeout=_HUNG,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def forked(
    work: Callable[[], None], *, tracer: Sequence[str] = (), kill_after: float | None = None
) -> Result:
    """Do any work in a forked child; exit code 97 for an exception."""
    wait, go = os.pipe()
    out, err = os.memfd_create("out"), os.memfd_create("err")
    before = _resident()
    child = os.fork()
    if not child:
        os.close(go)
        _become(work, (out, err), wait)
    os.close(wait)
    with _attached(tracer, child):
        os.write(go, b"!")
        os.close(go)
        return _ended(child, (out, err), before, kill_after)


def run_here(*words: str | Path) -> Result:
    """Run a command line in this very process: for `forked` work that runs many."""
    kept = os.dup(1), os.dup(2)
    streams = os.memfd_create("out"), os.memfd_create("err")
    _redirect(streams)
    code = 96  # it did not end as it should
    try:
        _command_line(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 98
    finally:
        _redirect(kept)
    return Result(code, _content(streams[0]), _content(streams[1]))


@contextmanager
def _attached(tracer: Sequence[str], child: int) -> Iterator[None]:
    if not tracer:
        yield
        return
    words = [*tracer, "-p", str(child)]
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert b"attached" in (said := process.stderr.readline()), said
        yield
        process.stderr.read()  # to its end, which is the child's


def _ended(child: int, streams: tuple[int, int], before: int, kill_after: float | None) -> Result:
    """Wait for the child; tell how it ended and what it took."""
    began = time.monotonic()
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _pid, status, usage = os.wait4(child, 0)
    return Result(
        code=os.waitstatus_to_exitcode(status),
        out=_content(streams[0]),
        err=_content(streams[1]),
        cpu=usage.ru_utime + usage.ru_stime,
        memory=(usage.ru_maxrss << 10) - before >> 20,
        seconds=time.monotonic() - began,
    )


def _content(descriptor: int) -> str:
    with open(descriptor, "rb") as file:
        file.seek(0)
        return file.read().decode(errors="surrogateescape")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _command_line(words: Sequence[str | Path]) -> None:
    sys.argv = ["shimtool", *map(str, words)]
    main()


def _redirect(streams: tuple[int, int]) -> None:
    """Let what is printed from now on go to these descriptors."""
    for target, descriptor in enumerate(streams, 1):
        os.dup2(descriptor, target)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - descriptors of a process
    sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - as above


def _become(work: Callable[[], None], streams: tuple[int, int], wait: int) -> None:
    """Be the child; never returns."""
    code = 99  # something here went wrong, not in the program
    gc.freeze()  # what was inherited is never looked through: the pages stay shared
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - descriptors of a process
        _redirect(streams)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.alarm(_HUNG)
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


# root, but without the right to read everything
POWERLESS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def refused(result: Result, *words: str) -> None:
    """Exit 1, an error that says all of `words`, and never a traceback."""
    assert result.code == 1, result
    assert "Traceback" not in result.err
    assert "error: " in result.err
    for word in words:
        assert word in result.err, f"{word!r} is not in:\n{result.err}"
