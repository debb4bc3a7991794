"""Values of Python 2 as a config can hold them, and the bounds on working them out.

A `str` of Python 2 is `bytes` here, its `unicode` is `str`; the other types are Python's own.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only running Python could tell: what it needs, and on which 1-based line."""

    needs: str
    line: int


Value = (
    bytes
    | str
    | int
    | float
    | None
    | list["Value"]
    | tuple["Value", ...]
    | dict["Value", "Value"]
    | Unknown
)


class NotKnownError(Exception):
    """An expression has no value here: `needs` completes "its value needs ...".

    `line` is where that began, if not at the expression itself.
    """

    def __init__(self, needs: str, line: int | None = None) -> None:
        super().__init__(needs)
        self.needs, self.line = needs, line


MOST_TEXT = 1 << 16  # bytes in one value: a config says far less
MOST_WORK = 1 << 20  # bytes and items that all steps together may make
LARGEST = (1 << 63) - 1  # beyond, Python 2 makes a long, which xm ignores


class Budget:
    """Counts what has been made, so that no config can take much memory or time."""

    def __init__(self) -> None:
        self._left = MOST_WORK

    def spend(self, size: int) -> None:
        """Take `size` bytes or items; NotKnownError when that is too much."""
        if size > MOST_TEXT:
            raise NotKnownError("more text than any config has (shimtool stops at 64 KiB)")
        self._left -= size
        if self._left < 0:
            raise NotKnownError("more work than any config is (shimtool stops at 1 MiB made)")


def number(value: int) -> int:
    """Return an int of Python 2; NotKnownError when it would be a long."""
    if -LARGEST - 1 <= value <= LARGEST:
        return value
    raise NotKnownError("a number beyond 64 bits, a long in Python, which xm ignores")


def known(value: Value) -> Value:
    """Return `value`; NotKnownError when it is unknown."""
    if isinstance(value, Unknown):
        raise NotKnownError(value.needs, value.line)
    return value
