"""The table of `scan` on a terminal: a line a guest, or with --verbose all of it below each.

It uses rich, as terminal.py does. Text of configs is cleaned and never read as rich's markup.
"""

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from shimtool.cli.results.documents import ScannedGuest
from shimtool.cli.results.reasons import reason_line
from shimtool.cli.tables import differs
from shimtool.text import printable

_LEAST = 14  # columns of what differs, else it stands below: "memory +107 MB"
_LEAST_WHY = 18  # columns of what differs or why not, else all is told as with --verbose
_GAP = 2  # columns between cells
_HEAD = ("NAME", "TYPE", "BOOT", "CONVERTIBLE")
_STYLES = {"yes": "green", "no": "red"}


def print_guests(guests: Sequence[ScannedGuest], *, whole: bool, file: Any = None) -> bool:  # noqa: ANN401 - any text stream
    """Print guests as results.scanned() gives them; return whether reasons were cut.

    A line each, cut to the terminal's width; `whole`, or where it has no room, all that is known.
    """
    console = Console(file=file, highlight=False)
    widths, room = _widths(guests, console.width, _LEAST_WHY)
    if whole or room < _LEAST_WHY:
        _print_whole(console, guests)
        return False
    widths.append(room)
    console.print(_line([*_HEAD, "DIFFERS / WHY NOT"], widths, "bold"))
    whys = [_why(guest, room) for guest in guests]
    for guest, why in zip(guests, whys, strict=True):
        console.print(_line([*_cells(guest), _cut(why, room)], widths))
    return any(guest["reasons"] for guest in guests)


def _why(guest: ScannedGuest, room: int) -> str:
    """What differs for a guest; for one that is not converted the first reason, others counted."""
    if guest["convertible"]:
        return differs(guest, room)
    messages = [printable(each["message"]) for each in guest["reasons"]]
    more = f" (+{len(messages) - 1})" if len(messages) > 1 else ""
    return _cut(messages[0], room - len(more)) + more if messages else "-"


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 1).rstrip()}…"


def _print_whole(console: Console, guests: Sequence[ScannedGuest]) -> None:
    widths, room = _widths(guests, console.width, 0)
    if room:
        widths.append(room)
    console.print(_line([*_HEAD, "DIFFERS"][: len(widths)], widths, "bold"))
    for guest in guests:
        cells = [*_cells(guest), differs(guest, room)] if room else list(_cells(guest))
        console.print(_line(cells, widths))
        for text in [*_below(guest), *([] if room else _differing(guest))]:
            console.print(Padding(Text(text, overflow="fold"), (0, 0, 0, 4), expand=False))


def _cells(guest: ScannedGuest) -> tuple[str, str, str, str]:
    yes = "yes" if guest["convertible"] else "no"
    return printable(guest["name"] or "?"), guest["type"], guest["boot"], yes


def _below(guest: ScannedGuest) -> list[str]:
    return list(map(reason_line, guest["reasons"])) or [printable(guest["config"])]


def _differing(guest: ScannedGuest) -> list[str]:
    return [f"differs: {differs(guest)}"] if guest["convertible"] else []


def _widths(guests: Sequence[ScannedGuest], console: int, for_last: int) -> tuple[list[int], int]:
    """Return the columns' widths, and that of the last one; 0 where there is no room for it.

    The names get what the others leave, less what is kept `for_last`; the last gets the rest.
    """
    rows = [_HEAD, *map(_cells, guests)]
    name, *others = (max(map(cell_len, column)) for column in zip(*rows, strict=True))
    room = console - sum(others) - _GAP * len(others)
    kept = for_last + _GAP if for_last else 0
    name = max(4, min(name, max(room - kept, 16 if kept else 0)))
    left = room - name - _GAP
    return [name, *others], left if left >= _LEAST else 0


def _line(cells: Sequence[str], widths: Sequence[int], style: str = "") -> Table | Text:
    styles = [style, style, style, style or _STYLES[cells[3]], style][: len(cells)]
    gap = " " * _GAP
    if cell_len(cells[0]) <= widths[0]:  # as nearly always, and much faster than a table
        sized = (set_cell_size(cell, width) for cell, width in zip(cells, widths, strict=True))
        return Text(gap).join(map(Text, sized, styles))
    line = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
    for width in widths:
        line.add_column(width=width, overflow="fold")
    line.add_row(*map(Text, cells, styles))
    return line
