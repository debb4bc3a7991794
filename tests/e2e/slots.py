"""Places for running hosts, across processes: more at a time would starve one another."""

import contextlib
import fcntl
import time
from collections.abc import Iterator

from tests.support.debs import CACHE

SLOTS = 2


@contextlib.contextmanager
def slots(count: int = 1) -> Iterator[None]:
    """Hold `count` of the places. Whoever holds some must not wait for more.

    All wait in one queue: one that needs several is not overtaken, and no two wait for each other.
    """
    assert 0 < count <= SLOTS
    CACHE.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context((CACHE / f".e2e-slot-{i}").open("w")) for i in range(SLOTS)]
        with (CACHE / ".e2e-queue").open("w") as queue:
            fcntl.flock(queue, fcntl.LOCK_EX)
            while len(opened) > SLOTS - count:
                for file in opened:
                    with contextlib.suppress(BlockingIOError):
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        opened.remove(file)
                        break
                else:
                    time.sleep(0.5)
        yield
