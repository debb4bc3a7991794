"""The bar that people see on a terminal while `convert` works.

It uses rich, which costs 0.1 s at start: import this where it is needed only. So do page.py and
guest_table.py.
"""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.constrain import Constrain
from rich.control import Control
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress
from rich.segment import ControlType
from rich.table import Column

from shimtool.commands.progress import Progress
from shimtool.deferred import dataclass
from shimtool.text import printable

_CLEAR_LINE = Control(ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2))


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
