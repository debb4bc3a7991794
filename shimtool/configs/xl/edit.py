"""Edits of an xl config: the user's own file, what is replaced as comments, and a block of ours.

Line ends are LF throughout: libxlu accepts nothing else (a CR may stand in a comment; it stays).
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from shimtool.configs.xl.grammar import Assignment
from shimtool.configs.xl.syntax import Document
from shimtool.deferred import dataclass, regex
from shimtool.errors import fault
from shimtool.model import ConfigEdits, ConfigValue
from shimtool.text import printable

MARKER = b"#shimtool# "
BLOCK = MARKER + b"---- added by shimtool ----\n"
_KEY = regex(r"[a-z][._0-9a-z]*")
_WIDTH = 96  # characters; longer lists go one item a line
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r"}


def edit(document: Document, edits: ConfigEdits, heading: Sequence[str]) -> bytes:
    """Return the config with `edits` applied.

    Lines that assign one of the edited keys become comments, each physical line behind MARKER; what
    else stood on them follows as a line of its own. The settings come last, under `heading` as
    comments. All other bytes stay. Raises ShimtoolError for a key or value that xl cannot read.
    """
    block = _block(edits, heading)
    retired = {*edits.comment_out, *(key for key, _ in edits.settings)}
    body = b"".join(_edited(document, retired))
    return body + (b"\n" if body else b"") + block


def is_ours(document: Document) -> bool:
    """Tell whether edit() made this config."""
    return document.data.startswith(BLOCK) or b"\n" + BLOCK in document.data


def unedited(data: bytes) -> bytes:
    """Return what a config of ours was made of: edited keys are as they were.

    Of a line with other keys too, these stand there twice.
    """
    body = data.partition(b"\n" + BLOCK)[0] + b"\n"
    return b"\n".join(line.removeprefix(MARKER) for line in body.split(b"\n"))


# --- what goes ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Group:
    """Physical lines (0-based, `stop` excluded) that assignments tie together."""

    start: int
    stop: int
    assignments: tuple[Assignment, ...]


def _edited(document: Document, retired: set[str]) -> Iterator[bytes]:
    lines = _whole_lines(document)
    starts = [0, *accumulate(len(line) for line in lines)]
    done = 0
    for group in _groups(document.assignments, starts):
        replaced = [each for each in group.assignments if each.key in retired]
        if not replaced:
            continue
        yield from lines[done : group.start]
        old = lines[group.start : group.stop]
        yield from (MARKER + line for line in old)
        if len(replaced) < len(group.assignments):
            yield _without(b"".join(old), replaced, starts[group.start])
        done = group.stop
    yield from lines[done:]


def _whole_lines(document: Document) -> list[bytes]:
    """Return the file's lines, the last one with a newline too."""
    data = document.data
    # A last byte that xl overlooked only because nothing follows it; # begins a comment anyway.
    if data[document.end :] not in (b"", b"#"):
        data = data[: document.end] + MARKER + data[document.end :]
    if data and not data.endswith(b"\n"):
        data += b"\n"
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def _groups(assignments: Iterable[Assignment], starts: Sequence[int]) -> Iterator[_Group]:
    group: list[Assignment] = []
    first = last = -1
    for assignment in assignments:
        begin = bisect_right(starts, assignment.start) - 1
        if group and begin > last:
            yield _Group(first, last + 1, tuple(group))
            group = []
        if not group:
            first = begin
        group.append(assignment)
        last = bisect_right(starts, assignment.end - 1) - 1
    if group:
        yield _Group(first, last + 1, tuple(group))


def _without(text: bytes, replaced: Iterable[Assignment], offset: int) -> bytes:
    """Cut assignments, each with one semicolon beside it, out of the lines that hold them."""
    kept, position = [], 0
    for each in replaced:
        kept.append(text[position : each.start - offset])
        position = each.end - offset
        if after := re.compile(rb"[ \t]*;[ \t]*").match(text, position):
            position = after.end()
        else:
            kept[-1] = re.sub(rb"[ \t]*;[ \t]*\Z", b"", kept[-1])
    return b"".join(kept) + text[position:]


# --- what comes ---------------------------------------------------------------------------------


def _block(edits: ConfigEdits, heading: Iterable[str]) -> bytes:
    comments = (f"# {printable(line)}".rstrip() for text in heading for line in text.split("\n"))
    settings = (f"{_key(key)} = {_value(value)}" for key, value in edits.settings)
    return BLOCK + b"".join(_encoded(line) + b"\n" for line in (*comments, *settings))


def _encoded(text: str) -> bytes:
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        raise fault("not text that stands for bytes", seen=ascii(text[:60])) from None


def _key(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise fault("not a key that xl can read", seen=key[:60])
    return key


def _value(value: ConfigValue) -> str:
    match value:
        case str():
            return quoted(value)
        case int():
            return str(int(value)) if value >= 0 else quoted(str(value))
        case _:
            items = [quoted(item) for item in value]
    line = f"[{', '.join(items)}]"
    if len(line) <= _WIDTH or not items:
        return line
    return "[\n" + "".join(f"    {item},\n" for item in items) + "]"


def quoted(text: str) -> str:
    """Return `text` as a string literal that libxlu reads back to the same bytes."""
    if "\0" in text:
        raise fault("xl strings cannot hold a NUL byte", seen=text[:60])
    quote = "'" if '"' in text and "'" not in text else '"'
    escapes = {**_ESCAPES, quote: "\\" + quote}
    return quote + "".join(escapes.get(char, char) for char in text) + quote
