"""Values of Python 2 that a config can hold, and the bounds on working them out.

A `str` of Python 2 is `bytes` here, its `unicode` is `str`; the other types are Python's own.
"""

from shimtool.deferred import dataclass


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only running Python could tell.

    `needs` completes "it needs ..."; `line` is the 1-based line with that, or 0: the line of the
    statement that uses the value.
    """

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
    """The value of an expression is not known: `needs` completes "it needs ...".

    `line` is the 1-based line with that; None means the line of the expression.
    """

    def __init__(self, needs: str, line: int | None = None) -> None:
        super().__init__(needs)
        self.needs, self.line = needs, line


MOST_TEXT = 1 << 16  # bytes or items in one value; real configs have far fewer
MOST_WORK = 1 << 20  # bytes and items in all values that are made
LARGEST = (1 << 63) - 1  # larger numbers are a long in Python 2, which xm ignores


class Budget:
    """Counts the bytes and items made, so that no config can take much memory or time."""

    def __init__(self) -> None:
        self._left = MOST_WORK

    def spend(self, size: int) -> None:
        """Count `size` more bytes or items; NotKnownError when that is too much."""
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
