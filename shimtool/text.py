"""What turns data into lines for people: safe text, errors, tables, differences. Prints nothing.

Everything that may hold a stranger's bytes (configs, packages, disks, paths) passes `printable`.
"""

import difflib
import os
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile

from shimtool.errors import Fault, ShimtoolError

_MOST_SEEN = 300  # characters of a value that a message quotes
_MOST_COMPARED = 2000  # lines of a file; difflib takes a third of a second, and soon minutes


def printable(text: str | bytes, limit: int | None = None) -> str:
    r"""Return text that is safe on a terminal and in a file of lines.

    Control characters and bytes that are no UTF-8 become escapes (\n, \x1b, \udc80); of text
    longer than `limit` characters only the beginning stays, with "..." in place of the rest.
    """
    if isinstance(text, bytes):
        if limit is not None:
            text = text[: 4 * (limit + 1)]  # no character has more bytes
        text = text.decode(errors="backslashreplace")
    if limit is not None:
        text = text[: limit + 1]  # each becomes one character or more
    safe = text if text.isprintable() else "".join(map(_escaped, text))
    return safe if limit is None or len(safe) <= limit else f"{safe[: limit - 3]}..."


def _escaped(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode()


def error(raised: ShimtoolError) -> str:
    """Render every fault: what, where, the value seen, what to do."""
    return "\n".join(_fault(each) for each in raised.faults)


def _fault(fault: Fault) -> str:
    where = f"{printable(str(fault.where))}: " if fault.where else ""
    lines = [f"error: {where}{printable(fault.message)}"]
    lines += [f"  {printable(line)}" for line in fault.detail.splitlines()]
    if fault.seen is not None:
        lines.append(f"  seen: {printable(_beginning(fault.seen))}")
    if fault.remedy:
        lines.append(f"  do:   {printable(fault.remedy)}")
    return "\n".join(lines)


def _beginning(text: str) -> str:
    if len(text) <= _MOST_SEEN:
        return text
    return f"{text[:_MOST_SEEN]}... ({len(text)} characters)"


def reason(fault: Fault) -> str:
    """Render one fault on one line, for lists and JSON."""
    remedy = f" ({fault.remedy})" if fault.remedy else ""
    where = f"{fault.where}: " if fault.where else ""
    return printable(f"{where}{fault.message}{remedy}")


def diff(before: bytes, after: bytes, old: str, new: str) -> str:
    """Return a unified diff of two files' content; `old` and `new` are what they are called.

    In files of more than _MOST_COMPARED lines, all from the first to the last line that differs
    counts as changed.
    """
    one, other = _lines(before), _lines(after)
    if max(len(one), len(other)) > _MOST_COMPARED:
        lines = _one_hunk(one, other, old, new)
    else:
        lines = difflib.unified_diff(one, other, old, new, lineterm="")
    return "".join(f"{printable(line)}\n" for line in lines)


def _one_hunk(one: Sequence[str], other: Sequence[str], old: str, new: str) -> Iterator[str]:
    """Yield a unified diff without context, in a time that grows only with the lines."""
    head = _alike(one, other)
    most = min(len(one), len(other)) - head
    tail = min(_alike(one[::-1], other[::-1]), most)
    gone, come = one[head : len(one) - tail], other[head : len(other) - tail]
    if gone or come:
        yield from (f"--- {old}", f"+++ {new}")
        yield f"@@ -{_range(head, gone)} +{_range(head, come)} @@"
    yield from (f"-{line}" for line in gone)
    yield from (f"+{line}" for line in come)


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the lines at the start that are the same."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _range(head: int, lines: Sequence[str]) -> str:
    """Return a place in the notation of unified diffs: an empty one is named by the line before."""
    return f"{head + 1 if lines else head},{len(lines)}"


def _lines(data: bytes) -> Sequence[str]:
    return os.fsdecode(data).splitlines()


def wrapped(line: str, columns: int | None, indent: int | None = None) -> str:
    """Break a line between words where it is longer than a terminal is wide; None: never.

    Later lines stand `indent` to the right, by default two more than the first. A path that is
    longer than a line stays whole, so that it can be copied.
    """
    if columns is None or len(line) <= columns:
        return line
    begin = len(line) - len(line.lstrip(" "))
    return textwrap.fill(
        line,
        max(columns, 20),
        subsequent_indent=" " * (begin + 2 if indent is None else indent),
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(rows: Iterable[Sequence[str]]) -> str:
    """Align columns; the last one is left as long as it is."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not cells:
        return ""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )
