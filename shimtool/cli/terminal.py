"""What people see on a terminal: the table of `scan`, and the bar while `convert` works.

It uses rich, which costs 0.1 s at start: import this where it is needed only. So does page.py.
Text of configs is cleaned by `show` and never read as rich's markup.
"""

import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.control import Control
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.segment import ControlType
from rich.table import Column, Table
from rich.text import Text

from shimtool.cli.results.documents import ScannedGuest
from shimtool.cli.results.reasons import reason_line
from shimtool.cli.tables import differs
from shimtool.commands.progress import Progress
from shimtool.text import printable

_LEAST = 14  # columns of what differs, else it stands below: "memory +107 MB"
_MOST = 30  # columns of it on a wide terminal
_WIDE = 110  # columns from which on reasons stand beside a guest, else below
_GAP = 2  # columns between cells
_HEAD = ("NAME", "TYPE", "BOOT", "CONVERTIBLE")
_CLEAR_LINE = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))
_STYLES = {"yes": "green", "no": "red"}


def print_guests(guests: Sequence[ScannedGuest], *, file: Any = None) -> None:  # noqa: ANN401 - results.scanned(), and any text stream
    """Print the guests of `scan`, as results.scanned() gives them, as wide as the terminal."""
    console = Console(file=file, highlight=False)
    if console.width >= _WIDE:
        console.print(_table(guests))
        return
    widths, room = _widths(guests, console.width)
    if room:
        widths.append(room)
    console.print(_line([*_HEAD, "DIFFERS"][: len(widths)], widths, "bold"))
    for guest in guests:
        cells = [*_cells(guest), differs(guest, room)] if room else _cells(guest)
        console.print(_line(cells, widths))
        for text in [*_below(guest), *([] if room else _differing(guest))]:
            console.print(Padding(Text(text, overflow="fold"), (0, 0, 0, 4), expand=False))


def print_notes(lines: Iterable[str]) -> None:
    """Print lines on standard error, wrapped between words to the terminal's width."""
    console = Console(stderr=True, highlight=False)
    for line in lines:
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        console.print(Padding(Text(text, overflow="fold"), (0, 0, 0, indent), expand=False))


def _table(guests: Sequence[ScannedGuest]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for head in (*_HEAD, "DIFFERS", "CONFIG / WHY NOT"):
        table.add_column(head, overflow="fold", max_width=_MOST if head == "DIFFERS" else None)
    for guest in guests:
        *cells, yes = _cells(guest)
        below = Text("\n".join(_below(guest)), overflow="fold")
        table.add_row(*map(Text, cells), Text(yes, _STYLES[yes]), Text(differs(guest)), below)
    return table


def _cells(guest: ScannedGuest) -> tuple[str, str, str, str]:
    yes = "yes" if guest["convertible"] else "no"
    return printable(guest["name"] or "?"), guest["type"], guest["boot"], yes


def _below(guest: ScannedGuest) -> list[str]:
    return list(map(reason_line, guest["reasons"])) or [printable(guest["config"])]


def _differing(guest: ScannedGuest) -> list[str]:
    return [f"differs: {differs(guest)}"] if guest["convertible"] else []


def _widths(guests: Sequence[ScannedGuest], console: int) -> tuple[list[int], int]:
    """Return the columns' widths, and that of what differs; 0 where there is no room for it.

    The names get what the others leave; what they leave goes to what differs.
    """
    rows = [_HEAD, *map(_cells, guests)]
    name, *others = (max(map(cell_len, column)) for column in zip(*rows, strict=True))
    room = console - sum(others) - _GAP * len(others)
    name = max(4, min(name, room))
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


@dataclass(frozen=True)
class _Shortened:
    """Leaves room at the end of the line, where the terminal writes ^C: else that breaks it."""

    line: RenderableType

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        yield Constrain(self.line, options.max_width - len("^C "))


class _Line(RichProgress):
    def get_renderables(self) -> Iterable[RenderableType]:
        yield _Shortened(self.make_tasks_table(self.tasks))


@contextmanager
def _interrupts_put_off() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait: half started, rich can neither go on nor clean up."""
    waiting: list[int] = []

    def wait(number: int, _frame: object) -> None:
        waiting.append(number)

    usual = {number: signal.signal(number, wait) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)
    if waiting:
        signal.raise_signal(waiting[0])


class ProgressBar(Progress):
    """A bar on standard error: how many guests are done, which are at hand, the time so far.

    It is gone when done. Surround printing by `aside()`, which takes it away meanwhile.
    """

    def __init__(self) -> None:
        self._at_hand: list[str] = []
        self._lock = Lock()
        self._progress = _Line(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn(
                "{task.description}",
                markup=False,
                table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
            ),
            console=Console(stderr=True),
            transient=True,
            expand=True,
            redirect_stdout=False,  # it would wrap long lines, and send results to stderr
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("reading the configs", total=None)

    def __enter__(self) -> "ProgressBar":
        self._show()
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        self._hide()
        if kind is KeyboardInterrupt and self._progress.console.is_terminal:
            # With Ctrl-C a terminal drops what is on its way to it (termios(3), NOFLSH), which may
            # be what took the bar away.
            self._progress.console.control(_CLEAR_LINE)
            self._progress.console.show_cursor()

    @contextmanager
    def aside(self) -> Iterator[None]:
        self._hide()
        yield
        self._show()

    def _show(self) -> None:
        with _interrupts_put_off():
            self._progress.start()

    def _hide(self) -> None:
        with _interrupts_put_off():
            self._progress.stop()

    def found(self, guests: int) -> None:
        self._progress.update(self._task, total=guests, description="")

    @contextmanager
    def guest(self, name: str) -> Iterator[None]:
        name = printable(name)
        self._change(self._at_hand.append, name)
        try:
            yield
        finally:
            self._change(self._at_hand.remove, name, done=1)

    def _change(self, change: Any, name: str, done: int = 0) -> None:  # noqa: ANN401 - a list's method
        with self._lock:
            change(name)
            shown = ", ".join(self._at_hand)
            self._progress.update(self._task, description=shown, advance=done, refresh=not done)
