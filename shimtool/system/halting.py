"""How an interrupted run stops its other threads at once: none makes or renames a file any more.

Python acts on signals in the first thread, and one that another thread took does not wake it. So
the others take none that ends a run; without that they may, where the process was stopped.

Python cannot end a thread. Those still at work when the run is halted die with the process, which
must end by os._exit() then; what they had not finished by then never appears.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ENDING = {signal.SIGINT, signal.SIGTERM}

_lock = threading.Lock()
_undoing: dict[Callable[[], None], int] = {}  # what undoes a thread's work, and which thread's
_halted_by: int | None = None


class HaltedError(Exception):
    """The run was halted by another thread: nothing may be written any more."""


def leave_signals() -> None:
    """Let another thread, the first one, take the signals that end the run."""
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)


class OtherThread(threading.Thread):
    """A thread that does so from its start on."""

    def run(self) -> None:
        leave_signals()
        super().run()


@contextmanager
def changing_files() -> Iterator[None]:
    """Surround the making and renaming of files, which takes an instant.

    Raises HaltedError when another thread has halted the run.
    """
    with _lock:
        if _halted_by not in (None, threading.get_ident()):
            raise HaltedError
        yield


def undo_on_halt(undo: Callable[[], None]) -> None:
    """Let `undo` be called when another thread halts the run, until keep() is told of it."""
    _undoing[undo] = threading.get_ident()


def keep(undo: Callable[[], None]) -> None:
    """Let `undo` not be called any more."""
    _undoing.pop(undo, None)


def halt() -> None:
    """Let no other thread change files from now on, and undo what those at work have begun."""
    global _halted_by  # noqa: PLW0603 - it is of the whole process, which ends soon
    with _lock:
        _halted_by = threading.get_ident()
        for undo, thread in list(_undoing.items()):
            if thread != _halted_by:
                undo()
