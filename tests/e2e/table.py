"""The table host x shim x mode x guest: one row a test, in the terminal and as a file."""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.debs import ROOT

FILE = ROOT / "build" / "e2e" / "table.md"
PROPERTY = "e2e"
HEADS = ("host", "shim", "mode", "guest", "result", "token after", "retries")


class Row:
    """What one test did, as it goes on; `cells` is plain data, which xdist can carry.

    seconds: from `xl create`'s return to the token, not there while that is not seen.
    """

    def __init__(self, host: str, shim: str, mode: str, guest: str) -> None:
        self.cells: dict[str, Any] = {"names": [host, shim, mode, guest], "retries": 0}

    def seen(self, seconds: float) -> None:
        self.cells["seconds"] = seconds

    def retried(self) -> None:
        self.cells["retries"] += 1


def texts(cells: Mapping[str, Any], outcome: str) -> tuple[str, ...]:
    """Return a row's texts; `outcome` is pytest's word for the test."""
    took = f"{cells['seconds']:.0f} s" if "seconds" in cells else "-"
    return (*cells["names"], outcome, took, str(cells["retries"]))


def lines(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Write a Markdown table that also reads well on a terminal."""
    table = [HEADS, *sorted(rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADS))]
    text = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in table]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return text


def retries(rows: Sequence[tuple[str, ...]]) -> int:
    return sum(int(row[-1]) for row in rows)


def write(rows: Sequence[tuple[str, ...]], path: Path = FILE) -> None:
    """Keep the table with its date (UTC)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    path.write_text("\n".join([f"Run of {today}:", "", *lines(rows)]) + "\n", encoding="utf-8")
