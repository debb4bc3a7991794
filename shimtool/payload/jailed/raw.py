"""A disk or file that was opened outside of the jail, read inside of it."""

import os

from shimtool.payload.jailed.answers import UnreadableError
from shimtool.system.positioned import PositionedReader

_BIG = 16 << 20  # bytes read at a time: no structure of any format here is larger


class Raw(PositionedReader):
    """An open device or file; `size` in bytes."""

    def __init__(self, descriptor: int, name: str) -> None:
        super().__init__()
        self.name = name
        self._descriptor = descriptor
        try:
            self.size = os.lseek(descriptor, 0, os.SEEK_END)
        except OSError as error:
            raise UnreadableError(f"{name}: {error.strerror}") from None

    def _bounded(self, position: int) -> int:
        if not 0 <= position < 1 << 63:
            raise UnreadableError("a structure lies outside of the disk or file")
        return position

    def read_at(self, offset: int, size: int) -> bytes:
        if size > _BIG:
            raise UnreadableError(f"a structure of {size} bytes is no sound one")
        try:
            return os.pread(self._descriptor, size, offset)
        except OSError as error:
            raise UnreadableError(f"{self.name}: {error.strerror}") from None
