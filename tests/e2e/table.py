"""The table host x shim x mode x guest: one row a test, in the terminal and as a file."""

import datetime
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.support.debs import ROOT

FILE = ROOT / "build" / "e2e" / "table.md"
PROPERTY = "e2e"
HEADS = ("host", "shim", "mode", "guest", "result", "token after", "retries")


@dataclass(slots=True)
class Row:
    """What one test did. `seconds`: from `xl create` to the token; -1 = never seen."""

    host: str
    shim: str
    mode: str
    guest: str
    seconds: float = -1.0
    retries: int = 0
    refused: str = ""

    def cells(self, outcome: str) -> tuple[str, ...]:
        """Return the row's texts; `outcome` is pytest's word for the test."""
        result = f"refused: {self.refused}" if self.refused and outcome == "passed" else outcome
        took = "-" if self.seconds < 0 else f"{self.seconds:.0f} s"
        names = (self.host, self.shim, self.mode, self.guest)
        return (*names, result, took, str(self.retries))

    def as_property(self) -> dict[str, object]:
        """Return what pytest-xdist can carry from a worker."""
        return asdict(self)


def lines(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Write a Markdown table that also reads well on a terminal."""
    table = [HEADS, *sorted(rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADS))]
    text = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in table]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return text


def write(rows: list[tuple[str, ...]], path: Path = FILE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    path.write_text("\n".join([f"Run of {today}:", "", *lines(rows)]) + "\n", encoding="utf-8")
