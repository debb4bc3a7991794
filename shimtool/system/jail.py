"""Work on hostile data in a child process that holds some open descriptors, and nothing else.

    parent: Jailed(work, descriptors) --fork--> child: confined, runs work(descriptors, put)
            .read() <-------------------------- pipe -- what did not confine it, put(bytes)

What the child says is as hostile as its data: a pure mechanism, which knows nothing of either.
A fork, as importing the readers of guests' disks anew would take half a second of every child.
The child sees a copy of its parent's memory, but has no one to tell but the parent.
"""

import contextlib
import fcntl
import gc
import os
import resource
import select
import signal
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import NoReturn

from shimtool.deferred import dataclass
from shimtool.system.activity import note
from shimtool.system.confinement import confine
from shimtool.system.halting import ENDING

Put = Callable[[bytes], None]
Work = Callable[[Sequence[int], Put], None]

_PIPE = 1 << 20  # bytes on their way
_FAILED, _OUT_OF_MEMORY = 70, 71  # exit codes
_END_SECONDS = 5.0  # that a child which was killed may take to end
_PAUSE = 0.001  # seconds between two looks at whether it has


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may take: seconds of processor time, bytes of memory beyond what it was forked

    with (with the usual 50 MB of ours 256 MB in all), seconds that its parent waits for it.
    """

    cpu_seconds: int = 10
    memory: int = 192 << 20
    wait_seconds: float = 60.0


class JailError(Exception):
    """The child did not end well; the message says why, as a sentence's end: "it took ..."."""


class Jailed:
    """A child at work, whose answer is read forwards; to be closed, which ends it.

    `usage` is what it took (wait4's rusage), once it has ended; None where that is not known.
    Everything that `work` imports must be imported already: the child can open no file.
    """

    def __init__(self, work: Work, descriptors: Sequence[int], limits: Limits) -> None:
        self.usage: resource.struct_rusage | None = None
        self._ended = self._confined = False
        self._limits = limits
        self._waited = 0.0
        self._pipe, far_end = os.pipe()
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)
        with contextlib.suppress(OSError):  # an unprivileged user has only so much for pipes
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE)
        try:
            held, parent = [far_end, *descriptors], os.getpid()
            self._child = _fork(lambda: _be_child(work, held, limits, parent))
        except BaseException:
            os.close(self._pipe)
            raise
        finally:
            os.close(far_end)

    def read(self, size: int) -> bytes:
        """Return 1 to `size` bytes of the answer; b"" after all of it.

        Raises JailError when the child fails, dies, or lets its parent wait too long.
        """
        if not self._confined:
            self._confined = True
            self._tell_confinement()
        return self._read(size)

    def _tell_confinement(self) -> None:
        """Read what the child says before it looks at anything hostile."""
        said = self._read(1)
        left = said[0] if said else 0
        words = b""
        while left and (data := self._read(left)):
            words += data
            left -= len(data)
        _note_once(words.decode())

    def _read(self, size: int) -> bytes:
        if self._ended:
            return b""
        began = time.monotonic()
        left = self._limits.wait_seconds - self._waited
        ready = self._poll.poll(max(0, int(left * 1000)))
        self._waited += time.monotonic() - began
        if not ready:
            self.close()
            raise JailError(f"it took more than {self._limits.wait_seconds:g} s")
        if data := os.read(self._pipe, size):
            return data
        # A child that has ended is not changed by being killed; one that only pretends to is.
        if why := _reason(self._end(), self._limits):
            raise JailError(why)
        return b""

    def close(self) -> None:
        """Kill the child if it is still at work."""
        if not self._ended:
            self._end()

    def __enter__(self) -> "Jailed":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _end(self) -> int | None:
        """End the child; return its status, None where nobody can tell it."""
        self._ended = True
        os.close(self._pipe)
        until = time.monotonic() + _END_SECONDS
        # Where this process ignores SIGCHLD the kernel has reaped it: its number may be another's.
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            if os.waitid(os.P_PID, self._child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                with contextlib.suppress(PermissionError):  # root without CAP_KILL
                    os.kill(self._child, signal.SIGKILL)
            while True:
                pid, status, usage = os.wait4(self._child, os.WNOHANG)
                if pid:
                    self.usage = usage
                    return status
                if time.monotonic() > until:
                    break
                time.sleep(_PAUSE)
        return None


@cache
def _note_once(missing: str) -> None:
    """Tell whoever listens, once a run, what this system refuses the jail."""
    if missing:
        note("jail", f"this system does not let it have: {missing}")


def _reason(status: int | None, limits: Limits) -> str:
    if status is None:
        return "how its reader ended is not known"
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return f"it took more than {limits.cpu_seconds} s of processor time"
    if code == _OUT_OF_MEMORY:
        return f"it took more than {limits.memory >> 20} MB of memory"
    if code < 0:
        return f"its reader was ended by {signal.Signals(-code).name}"
    return f"its reader ended with exit code {code}" if code else ""


def _fork(child: Callable[[], NoReturn]) -> int:
    """Fork; no signal may raise KeyboardInterrupt in the child, where it would go on as we do."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        return os.fork() or child()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be_child(work: Work, descriptors: Sequence[int], limits: Limits, parent: int) -> NoReturn:
    code = _FAILED
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the parent ends us
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        gc.freeze()  # what was inherited is never looked through: its pages stay shared
        _hold_only(descriptors)
        missing = confine(
            memory=limits.memory,
            cpu_seconds=limits.cpu_seconds,
            descriptors=len(descriptors),
            parent=parent,
        )
        words = ", ".join(missing).encode()
        _put(bytes([len(words)]) + words)
        work(range(1, len(descriptors)), _put)
        code = 0
    except MemoryError:
        code = _OUT_OF_MEMORY
    finally:
        os._exit(code)


def _put(data: bytes) -> None:
    """Write to the pipe, which is descriptor 0."""
    left = memoryview(data)
    while left:
        left = left[os.write(0, left) :]


def _hold_only(descriptors: Sequence[int]) -> None:
    """Make these the descriptors 0, 1, 2 ... of this process, and close all others."""
    count = len(descriptors)
    copies = [fcntl.fcntl(each, fcntl.F_DUPFD, count) for each in descriptors]
    for number, copy in enumerate(copies):
        os.dup2(copy, number)
    try:
        others = [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - names only
    except OSError:
        os.closerange(count, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 1 << 16))
        return
    for each in others:
        if each >= count:
            with contextlib.suppress(OSError):  # the folder itself was open
                os.close(each)
