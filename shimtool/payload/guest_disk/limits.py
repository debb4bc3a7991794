"""What keeps a hostile disk from taking down its reader: time, memory, and one kind of error."""

import logging
import resource
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from shimtool.errors import ShimtoolError, fault

SEARCH_SECONDS = 3.0  # seconds of this thread's time to find out what a disk holds; usually 0.2
READ_SECONDS = 60.0  # to read a file of it once; 100 MB take 0.2
_MEMORY = 160 << 10  # KiB that the process may grow by meanwhile
_BIG = 16 << 20  # bytes asked for at a time: no structure of any format here is larger
_SILENT = logging.NullHandler()


class UnreadableError(Exception):
    """What a disk holds cannot be read; the message says why. Never leaves this package."""


class Budget:
    """Counts what reading a disk costs; `check` is called at every read of it."""

    def __init__(self) -> None:
        self.restart(SEARCH_SECONDS)

    def restart(self, seconds: float) -> None:
        """Begin to count anew, up to `seconds` of this thread's time."""
        self._end = time.thread_time() + seconds
        self._most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + _MEMORY

    def check(self, asked: int) -> None:
        """Raise UnreadableError when time or memory is spent, or `asked` bytes are too many."""
        if asked > _BIG:
            raise UnreadableError(f"a structure of {asked} bytes is no sound one")
        if time.thread_time() > self._end:
            raise UnreadableError("it takes too long to make sense of")
        if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > self._most:
            raise UnreadableError("it takes too much memory to make sense of")


@contextmanager
def library_errors(what: str) -> Iterator[None]:
    """Turn whatever a library raises for damaged or hostile data into UnreadableError."""
    try:
        yield
    except (UnreadableError, ShimtoolError):
        raise
    except RecursionError:
        raise UnreadableError(f"{what}: nested too deep, or in circles") from None
    # dissect raises nearly anything for data that does not fit: EOFError, KeyError, struct.error
    except Exception as error:  # noqa: BLE001 - see above
        why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise UnreadableError(f"{what}: {why[:200]}") from None


def import_dissect(name: str) -> Any:  # noqa: ANN401 - a module, and dissect's types are not ours
    """Import one of dissect's modules; ShimtoolError when it is not installed."""
    # The library logs what it finds odd; what matters of it is raised, and nothing else printed.
    logging.getLogger("dissect").addHandler(_SILENT)
    warnings.filterwarnings("ignore", category=SyntaxWarning, module="<unknown>")  # LVM's text
    try:
        return import_module(name)
    except ImportError:
        raise fault(
            f"the Python package {'.'.join(name.split('.')[:2])} is needed to read a guest's disk"
            " and is not installed",
            remedy="pip install 'shimtool[disks]', or use the container image, which has it",
        ) from None
