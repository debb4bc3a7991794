"""A config of xm written anew in xl's syntax, so that every line keeps its number.

Statements that xl reads as xm did stay as they are, byte for byte; so do comments. The lines of
others become comments behind a marker; before it, their first line gets the assignments for xl.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from shimtool.configs.xl import syntax as xl
from shimtool.configs.xl.edit import MARKER, quoted
from shimtool.configs.xl.grammar import Items, Value
from shimtool.configs.xm import source as python
from shimtool.configs.xm.assignments import Assignments, XlAssignments
from shimtool.configs.xm.interpreter import Step, interpret
from shimtool.configs.xm.keys import READ_BY_XM, read_by_xl
from shimtool.configs.xm.settings import XlValue
from shimtool.deferred import regex
from shimtool.errors import Fault, Location, ShimtoolError, by_line, raise_all, raise_by_line

_MOST_FAULTS = 50  # what an admin may want to see at once

# A line in which xl sees nothing but blanks and a comment.
_BLANK_OR_COMMENT = regex(rb"[ \t]*(?:#.*)?", re.DOTALL)


def translate(data: bytes, path: Path) -> bytes:
    """Return the config in xl's syntax; `path` is what errors name, and the default for name=.

    Raises ShimtoolError with the faults (the first of many): lines that are not Python, keys whose
    value only running Python could tell, values that xm ignored, and what xl cannot do.
    """
    raise_all(python.file_faults(data, path))
    source = python.parse_python(data)
    raise_by_line(python.syntax_faults(source, path))
    steps, faults = interpret(source, READ_BY_XM, path)
    found = XlAssignments(steps, path)
    _raise_first([*faults, *found.faults], path)
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    done = b"\n".join(_lines(lines, steps, found.by_step))
    # xl needs a newline behind a comment on the last line too.
    return done if done.endswith(b"\n") or not done else done + b"\n"


def _raise_first(faults: list[Fault], path: Path) -> None:
    found = by_line(faults)
    if len(found) > _MOST_FAULTS:
        more = Fault(f"{len(found) - _MOST_FAULTS} further faults", Location(path))
        found = [*found[:_MOST_FAULTS], more]
    raise_all(found)


def _lines(lines: list[bytes], steps: list[Step], assignments: Assignments) -> Iterator[bytes]:
    at = 0  # the line that is next
    for first, last, made in _groups(steps, assignments):
        yield from map(_without_statement, lines[at:first])
        yield from _group(lines[first : last + 1], made)
        at = last + 1
    yield from map(_without_statement, lines[at:])


def _groups(
    steps: list[Step], assignments: Assignments
) -> Iterator[tuple[int, int, list[tuple[str, XlValue]]]]:
    """Yield first and last line (0-based) and assignments; statements on one line are one."""
    first, last = 0, -1
    made: list[tuple[str, XlValue]] = []
    for step, own in zip(steps, assignments, strict=True):
        if last >= 0 and step.first > last:
            yield first, last, made
            first, made = step.first, []
        first = step.first if last < 0 else first
        last = max(last, step.last)
        made += own
    if last >= 0:
        yield first, last, made


def _group(lines: list[bytes], made: list[tuple[str, XlValue]]) -> Iterator[bytes]:
    if _same_to_xl(b"\n".join(lines) + b"\n", made):
        yield from lines
        return
    text = b"; ".join(
        f"{key} = {_in_xl_syntax(item)}".encode(errors="surrogateescape") for key, item in made
    )
    yield text + b" " + _comment(lines[0]) if text else _comment(lines[0])
    yield from map(_comment, lines[1:])


def _same_to_xl(text: bytes, made: list[tuple[str, XlValue]]) -> bool:
    """Whether xl reads exactly these assignments from a text, of the keys that it looks up."""
    try:
        found = xl.parse(text, Path()).assignments
    except ShimtoolError:
        return False
    known = [each for each in found if each.key in read_by_xl()]
    return all(each.operator == "=" for each in known) and [
        (each.key, _tree_of_parsed(each.value)) for each in known
    ] == [(key, _tree_of_value(item)) for key, item in made]


_Tree = bytes | list["_Tree"]


def _tree_of_parsed(value: Value) -> _Tree:
    if isinstance(value, Items):
        return [_tree_of_parsed(item) for item in value.items]
    return value.text.encode(errors="surrogateescape")


def _tree_of_value(item: XlValue) -> _Tree:
    match item:
        case tuple():
            return [_tree_of_value(each) for each in item]
        case int():
            return str(item).encode()
    return item


def _in_xl_syntax(item: XlValue) -> str:
    match item:
        case tuple():
            return f"[{', '.join(map(_in_xl_syntax, item))}]"
        case int() if item >= 0:
            return str(item)
        case int():
            return quoted(str(item))
    return quoted(item.decode(errors="surrogateescape"))


def _without_statement(line: bytes) -> bytes:
    return line if _BLANK_OR_COMMENT.fullmatch(line) else _comment(line)


def _comment(line: bytes) -> bytes:
    # Never the line that begins shimtool's own block of settings: a second blank sets them apart.
    return MARKER + (b" " if line.startswith(b"---- added") else b"") + line
