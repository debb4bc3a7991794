"""One command as a process of its own: how long it takes, and its peak memory."""

import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.debs import ROOT

FOLDER = ROOT / "build" / "bench"
SHIMTOOL: list[str | Path] = [sys.executable, "-m", "shimtool"]

# A process's peak memory counts from the size of the one that started it: so this is a small one.
_LEAN = """
import os, sys, time
null = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
start = time.monotonic()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=null)
_, status, usage = os.wait4(child, 0)
print(time.monotonic() - start, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


@dataclass
class Command:
    """How to run it, what to do before, and what its runs cost so far."""

    name: str
    argv: Sequence[str | Path]
    before: Callable[[], None] = lambda: None
    wall: list[float] = field(default_factory=list)  # seconds
    memory: int = 0  # peak resident set, KiB

    def runs(self, number: int) -> float:
        """Run it anew, so many times; return the median in seconds."""
        self.wall.clear()
        for _ in range(number):
            self.run()
        return self.median

    def run(self) -> None:
        """Run it once more; a failure ends the bench."""
        self.before()
        words = [str(word) for word in self.argv]
        lean = [sys.executable, "-SIc", _LEAN, *words]
        told = subprocess.run(lean, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        if told[2] != "0":
            sys.exit(f"bench: {self.name} failed with exit code {told[2]}: {words}")
        self.wall.append(float(told[0]))
        self.memory = max(self.memory, int(told[1]))

    @property
    def median(self) -> float:
        return statistics.median(self.wall)


@dataclass(frozen=True)
class Section:
    """A table, and the bars drawn of it: labels with seconds."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    bars: Sequence[tuple[str, float]]
    note: str = ""

    def markdown(self) -> str:
        lines = [
            "| " + " | ".join(self.heads) + " |",
            "|---|" + "---:|" * (len(self.heads) - 1),
            *("| " + " | ".join(row) + " |" for row in self.rows),
        ]
        return "\n".join([f"**{self.title}**", "", *lines, *(["", self.note] if self.note else [])])
