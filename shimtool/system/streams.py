"""Standard output and error that may be closed or full: the work is finished all the same."""

import errno
import io
import os
import stat
from typing import TextIO, cast

_CLOSED = -1  # no descriptor: every write to it fails


class Output:
    """A text stream to a descriptor; after its first `write_error` it takes all and writes nothing.

    A reader that went away (`shimtool convert | head -1`) must not stop a conversion half-way.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._raw = _Raw(_CLOSED if stream is None else stream.fileno())
        self.text = io.TextIOWrapper(
            io.BufferedWriter(cast("io.RawIOBase", self._raw)),
            encoding=stream.encoding if stream else "utf-8",
            errors="backslashreplace",  # bytes that are no text never stop us from printing
            line_buffering=True,
        )

    @property
    def write_error(self) -> OSError | None:
        """The first error of writing."""
        return self._raw.write_error

    @property
    def reader_left(self) -> bool:
        """Whether the error is only that the reader of a pipe has seen enough."""
        return self.write_error is not None and self.write_error.errno == errno.EPIPE


def is_screen(stream: TextIO) -> bool:
    """Whether a stream is a terminal, of a kind that is known to move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")


def columns(stream: TextIO) -> int | None:
    """Return how wide a terminal is; None if the stream is none, or a terminal of no known width.

    COLUMNS, where it is set, says so for all terminals, as elsewhere.
    """
    if not is_screen(stream):
        return None
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and len(said) < 5:
        return int(said) or None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except OSError:
        return None


def is_pipe(stream: TextIO) -> bool:
    """Whether a stream goes to another program, which may write to the same terminal."""
    try:
        return stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    except OSError:
        return False


class _Raw(io.RawIOBase):
    """Writes to a descriptor; from the first error on it takes everything and writes nothing."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.write_error: OSError | None = None

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._descriptor != _CLOSED and os.isatty(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override] # narrower: a buffer is all we get
        if self.write_error is None:
            try:
                return os.write(self._descriptor, data)
            except OSError as error:
                self.write_error = error
        return len(data)
