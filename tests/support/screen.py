"""A person at a terminal: runs the command line on a pseudo-terminal and sees what it draws."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyte

_SECONDS, _ROWS = 900, 200


@dataclass(frozen=True)
class Seen:
    """What stands on the screen at the end, what stood on it at any time, and the exit code."""

    code: int
    lines: tuple[str, ...]
    frames: tuple[str, ...]
    raw: bytes
    cursor_hidden: bool
    piped: str

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class _Terminal:
    """A pseudo-terminal of a size, with an emulator that draws what is written to it."""

    def __init__(self, columns: int) -> None:
        self.ours, self.theirs = pty.openpty()
        size = struct.pack("HHHH", _ROWS, columns, 0, 0)
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, size)
        self.screen = pyte.Screen(columns, _ROWS)
        self._rows = [""] * _ROWS
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.frames: list[str] = []

    def lines(self) -> tuple[str, ...]:
        """What stands there; rows are put together anew where something was drawn since."""
        dirty = self.screen.dirty
        for row in dirty | {row - 1 for row in dirty if row}:  # accents join the row above
            cells = self.screen.buffer[row]
            drawn = range(min(max(cells, default=-1) + 1, self.screen.columns))
            self._rows[row] = "".join(cells[column].data for column in drawn).rstrip()
        dirty.clear()
        return tuple(filter(None, self._rows))

    def draw(self, data: bytes) -> None:
        self.raw += data
        # The bar is drawn and erased in one write: a frame is what stands before each erasure.
        for part in data.replace(b"\x1b[2K", b"\0\x1b[2K").split(b"\0"):
            self._stream.feed(part)
            self.frames.append("\n".join(self.lines()))

    def read(self, wait: float) -> bytes | None:
        if not select.select([self.ours], [], [], wait)[0]:
            return b""
        try:
            return os.read(self.ours, 65536) or None
        except OSError:  # EIO: the other end is closed
            return None


def on_screen(
    *words: str | Path,
    program: Sequence[str | Path] = (sys.executable, "-m", "shimtool"),
    columns: int = 80,
    environ: Mapping[str, str] | None = None,
    stdout: Path | None = None,
    interrupt_at: Callable[[str], bool] | None = None,
) -> Seen:
    """Run `python -m shimtool`, or `program`, on a terminal; `stdout` sends results to a file.

    `interrupt_at` looks at the screen, and has Ctrl-C typed once it returns True.
    """
    terminal = _Terminal(columns)
    drop = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TERM"}
    base = {key: value for key, value in os.environ.items() if key not in drop}
    file = stdout.open("wb") if stdout else None
    process = subprocess.Popen(
        # (a shell that runs the tests in the background has Ctrl-C ignored)
        ["setsid", "--ctty", "env", "--default-signal=INT", *map(str, program), *map(str, words)],
        stdin=terminal.theirs,
        stdout=file or terminal.theirs,
        stderr=terminal.theirs,
        env={**base, "TERM": "xterm-256color", **(environ or {})},
    )
    os.close(terminal.theirs)
    if file:
        file.close()
    try:
        _watch(terminal, interrupt_at)
        code = process.wait(timeout=_SECONDS)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(terminal.ours)
    return Seen(
        code,
        terminal.lines(),
        tuple(terminal.frames),
        terminal.raw,
        terminal.screen.cursor.hidden,
        stdout.read_text() if stdout else "",
    )


def _watch(terminal: _Terminal, interrupt_at: Callable[[str], bool] | None) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        data = terminal.read(0.1)
        if data is None:
            return
        terminal.draw(data)
        if interrupt_at and any(map(interrupt_at, terminal.frames)):
            os.write(terminal.ours, b"\x03")  # the terminal turns it into SIGINT
            interrupt_at = None
