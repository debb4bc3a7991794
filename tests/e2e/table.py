"""Two tables, in the terminal and as files: host x shim x mode x guest, one row a test; and what
dom0 can do to a guest, a row each, with a column for each mode.
"""

import datetime
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.debs import ROOT

FILE = ROOT / "build" / "e2e" / "table.md"
THINGS = ROOT / "build" / "e2e" / "things.md"
PROPERTY = "e2e"
HEADS = ("host", "shim", "mode", "guest", "result", "token after", "retries")


class Row:
    """What one test did, as it goes on; `cells` is plain data, which xdist can carry.

    seconds: from `xl create`'s return to the token, not there while that is not seen.
    things: what dom0 did to the guest, and what came of it.
    """

    def __init__(self, host: str, shim: str, mode: str, guest: str) -> None:
        self.cells: dict[str, Any] = {"names": [host, shim, mode, guest], "retries": 0}
        self.cells["things"] = {}

    def seen(self, seconds: float) -> None:
        self.cells["seconds"] = seconds

    def retried(self) -> None:
        self.cells["retries"] += 1

    def saw(self, thing: str, outcome: str) -> None:
        self.cells["things"][thing] = outcome

    @property
    def things(self) -> dict[str, str]:
        return dict(self.cells["things"])


def texts(cells: Mapping[str, Any], outcome: str) -> tuple[str, ...]:
    """Return a row's texts; `outcome` is pytest's word for the test."""
    took = f"{cells['seconds']:.0f} s" if "seconds" in cells else "-"
    return (*cells["names"], outcome, took, str(cells["retries"]))


def things(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return what was done to guests: heads, then a row each with what came of it in each mode."""
    seen: dict[str, dict[str, str]] = {}
    for cells in rows:
        if cells["things"]:
            seen.setdefault(" ".join(cells["names"][:3]), {}).update(cells["things"])
    named = dict.fromkeys(thing for column in seen.values() for thing in column)
    body = [(thing, *(column.get(thing, "-") for column in seen.values())) for thing in named]
    return [("what", *seen), *body] if seen else []


def lines(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Write the table of tests."""
    return aligned([HEADS, *sorted(rows)])


def aligned(table: Sequence[tuple[str, ...]]) -> list[str]:
    """Write a Markdown table that also reads well on a terminal; its first row are the heads."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    text = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in table]
    text.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return text


def retries(rows: Sequence[tuple[str, ...]]) -> int:
    return sum(int(row[-1]) for row in rows)


def write(shown: Sequence[str], path: Path = FILE) -> None:
    """Keep a table with its date (UTC)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    today = datetime.datetime.now(tz=datetime.UTC).date()
    path.write_text("\n".join([f"Run of {today}:", "", *shown]) + "\n", encoding="utf-8")
