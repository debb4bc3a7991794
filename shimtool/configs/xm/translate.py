"""A config of xm in xl's syntax, line for line: every line keeps its number.

What is valid for xl and means the same there stays, byte for byte. Of other statements the first
line gets the assignments they come to, and their text behind a marker; comments of Python stay.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from shimtool.configs.xl import syntax as xl
from shimtool.configs.xl.edit import MARKER, quoted
from shimtool.configs.xl.grammar import Items, Value
from shimtool.configs.xm import source as python
from shimtool.configs.xm.interpreter import Step, follow
from shimtool.configs.xm.items import Item
from shimtool.configs.xm.keys import READ, read_by_xl
from shimtool.configs.xm.meaning import Assignments, Meaning
from shimtool.errors import Fault, Location, ShimtoolError, raise_all

_MOST_FAULTS = 50  # what an admin may want to see at once

# What xl takes for nothing: blanks, and a comment.
_NOTHING = re.compile(rb"[ \t]*(?:#.*)?", re.DOTALL)


def translate(data: bytes, path: Path) -> bytes:
    """Return the config in xl's syntax; `path` is what errors name, and the default for name=.

    Raises ShimtoolError with all faults: lines that are not Python, keys whose value only running
    Python could tell, values that xm ignored, and what xl cannot do.
    """
    raise_all(python.unreadable(data, path))
    source = python.read(data)
    raise_all(python.faults(source, path))
    steps, faults = follow(source, READ, path)
    meaning = Meaning(steps, path)
    _refuse([*faults, *meaning.faults], path)
    lines = [line.removesuffix(b"\r") for line in data.split(b"\n")]
    done = b"\n".join(_lines(lines, steps, meaning.assignments))
    # A comment on the last line must end in a newline.
    return done if done.endswith(b"\n") or not done else done + b"\n"


def _refuse(faults: list[Fault], path: Path) -> None:
    found = sorted(faults, key=lambda each: (each.where and each.where.line) or 0)
    if len(found) > _MOST_FAULTS:
        more = Fault(f"{len(found) - _MOST_FAULTS} further faults", Location(path))
        found = [*found[:_MOST_FAULTS], more]
    raise_all(found)


def _lines(lines: list[bytes], steps: list[Step], assignments: Assignments) -> Iterator[bytes]:
    at = 0
    for first, last, made in _groups(steps, assignments):
        yield from map(_outside, lines[at:first])
        yield from _group(lines[first : last + 1], made)
        at = last + 1
    yield from map(_outside, lines[at:])


def _groups(
    steps: list[Step], assignments: Assignments
) -> Iterator[tuple[int, int, list[tuple[str, Item]]]]:
    """Join statements that share lines: first line, last line (0-based) and assignments."""
    first, last = 0, -1
    made: list[tuple[str, Item]] = []
    for step, own in zip(steps, assignments, strict=True):
        if last >= 0 and step.first > last:
            yield first, last, made
            first, made = step.first, []
        first = step.first if last < 0 else first
        last = max(last, step.last)
        made += own
    if last >= 0:
        yield first, last, made


def _group(lines: list[bytes], made: list[tuple[str, Item]]) -> Iterator[bytes]:
    if _same_to_xl(b"\n".join(lines) + b"\n", made):
        yield from lines
        return
    text = b"; ".join(
        f"{key} = {_written(item)}".encode(errors="surrogateescape") for key, item in made
    )
    yield text + b" " + _comment(lines[0]) if text else _comment(lines[0])
    yield from map(_comment, lines[1:])


def _same_to_xl(text: bytes, made: list[tuple[str, Item]]) -> bool:
    """Whether xl reads these very assignments from a text."""
    try:
        found = xl.parse(text, Path()).assignments
    except ShimtoolError:
        return False
    known = [each for each in found if each.key in read_by_xl()]
    return all(each.operator == "=" for each in known) and [
        (each.key, _tree(each.value)) for each in known
    ] == [(key, _item_tree(item)) for key, item in made]


_Tree = bytes | list["_Tree"]


def _tree(value: Value) -> _Tree:
    if isinstance(value, Items):
        return [_tree(item) for item in value.items]
    return value.text.encode(errors="surrogateescape")


def _item_tree(item: Item) -> _Tree:
    match item:
        case tuple():
            return [_item_tree(each) for each in item]
        case int():
            return str(item).encode()
    return item


def _written(item: Item) -> str:
    match item:
        case tuple():
            return f"[{', '.join(map(_written, item))}]"
        case int() if item >= 0:
            return str(item)
        case int():
            return quoted(str(item))
    return quoted(item.decode(errors="surrogateescape"))


def _outside(line: bytes) -> bytes:
    return line if _NOTHING.fullmatch(line) else _comment(line)


def _comment(line: bytes) -> bytes:
    # Never what begins shimtool's own block: a second blank keeps them apart.
    return MARKER + (b" " if line.startswith(b"---- added") else b"") + line
