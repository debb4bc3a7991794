"""One command as a process of its own: how long it takes, and its peak memory."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.debs import ROOT

FOLDER = ROOT / "build" / "bench"
SHIMTOOL: list[str | Path] = [sys.executable, "-m", "shimtool"]


@dataclass
class Command:
    """How to run it, what to do before, and what its runs cost so far."""

    name: str
    argv: Sequence[str | Path]
    before: Callable[[], None] = lambda: None
    wall: list[float] = field(default_factory=list)  # seconds
    memory: int = 0  # peak resident set, KiB
    codes: tuple[int, ...] = (0,)

    def run(self) -> "Command":
        """Run it once more; a failure ends the bench."""
        self.before()
        start = time.monotonic()
        words = [str(word) for word in self.argv]
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(words, stdout=quiet, stderr=quiet)
        _pid, status, usage = os.wait4(process.pid, 0)
        self.wall.append(time.monotonic() - start)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in self.codes:
            sys.exit(f"bench: {self.name} failed with exit code {process.returncode}: {words}")
        self.memory = max(self.memory, usage.ru_maxrss)
        return self

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
