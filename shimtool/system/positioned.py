"""A read-only binary file over whatever gives bytes by their offset."""

import io
import os
from abc import abstractmethod


class PositionedReader(io.RawIOBase):
    """`size` bytes that `read_at` gives; reads beyond the end are cut there."""

    size: int
    _position = 0

    @abstractmethod
    def read_at(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset` on; both lie inside of the file."""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}[whence]
        self._position = self._bounded(base + offset)
        return self._position

    def _bounded(self, position: int) -> int:
        """Return the offset to stand at where `position` is asked for."""
        return max(0, position)

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self.size - self._position)
        data = self.read_at(self._position, left if size < 0 else min(size, left))
        self._position += len(data)
        return data

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override] # what readers give us
        view = memoryview(buffer).cast("B")
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)
