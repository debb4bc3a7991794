"""A bounded piece of a file, read forwards."""

from typing import BinaryIO


class DamagedError(Exception):
    """Data that does not follow its format; the message says how. Never leaves this package."""


class BoundedReader:
    """`length` bytes of `source` from `offset` on."""

    def __init__(self, source: BinaryIO, offset: int, length: int) -> None:
        self._source = source
        self._offset = offset
        self.left = length

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes; b"" at the end."""
        size = min(size, self.left)
        self._source.seek(self._offset)
        data = self._source.read(size)
        self._offset += len(data)
        self.left = self.left - len(data) if len(data) == size else 0  # the file is shorter
        return data

    def read_some(self, size: int) -> bytes:
        """Read 1 to `size` bytes; EOFError at the end."""
        if data := self.read(size):
            return data
        raise EOFError("the end is missing")

    def read_exactly(self, size: int) -> bytes:
        """Read `size` bytes; EOFError when there are fewer."""
        if size > self.left or len(data := self.read(size)) < size:
            raise EOFError("the end is missing")
        return data
