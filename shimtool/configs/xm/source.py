"""Python source of a config, parsed by tree-sitter: bytes in, a tree with line numbers out.

tree-sitter's grammar knows Python 2 and 3. Its parser does not recurse, goes on after an error (so
that all errors are reported at once), and needs a second at most for what is accepted here.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shimtool.configs.xl.lexer import MOST_SHOWN
from shimtool.deferred import dataclass, regex
from shimtool.errors import Fault, Location
from shimtool.text import printable

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

LIMIT = 1 << 16  # bytes; xend's longest example has 10 KiB, most of it comments
_MOST_FAULTS = 50
_MOST_QUOTED = 240  # bytes of a statement, blanks included, that a message is made of
# Lines joined by backslashes, comment lines in a row: the parser's time grows with their square.
_MOST_JOINED = 1000
_MOST_COMMENTS = 2000
_BOM = b"\xef\xbb\xbf"
_COOKIE = regex(rb"\A(?:[^\n]*\n)?[ \t\f]*#[^\n]*?coding[:=][ \t]*([-.\w]+)")
# Encodings in which every ASCII byte stands for itself, and is never part of another character.
_PLAIN = regex(rb"ascii|us-ascii|utf-?8|latin-?[0-9]*|iso-?8859.*|(?:cp|windows-?)125.|koi8.*")
# For the parser, bytes beyond ASCII become "$", which it also accepts in strings and comments only.
_MASK = bytes(code if code < 128 else ord("$") for code in range(256))


@dataclass(frozen=True, slots=True)
class Source:
    """A config: its bytes, and its tree, whose nodes have offsets into these bytes."""

    data: bytes
    root: "Node"

    def text(self, node: "Node") -> bytes:
        """Return the text of a node, with line ends as Python sees them."""
        return self.data[node.start_byte : node.end_byte].replace(b"\r\n", b"\n")

    def excerpt(self, node: "Node") -> str:
        """Return the beginning of a node's text, for messages."""
        end = min(node.end_byte, node.start_byte + _MOST_QUOTED)
        return printable(b" ".join(self.data[node.start_byte : end].split()), MOST_SHOWN)


def parse_python(data: bytes) -> Source:
    """Parse at most LIMIT bytes without file_faults(); syntax_faults() tells what is no Python."""
    plain = data.translate(_MASK).replace(b"\r\n", b" \n")
    if data.startswith(_BOM):
        plain = b"   " + plain[3:]
    return Source(data, _parser().parse(plain).root_node)


@cache
def _parser() -> "Parser":
    # Imported here because it takes a moment, and only configs in Python need it.
    import tree_sitter_python  # noqa: PLC0415
    from tree_sitter import Language, Parser  # noqa: PLC0415

    return Parser(Language(tree_sitter_python.language()))


def line_of(node: "Node") -> int:
    """Return the 1-based line on which a node begins."""
    return int(node.start_point[0]) + 1


def walk(node: "Node") -> Iterator["Node"]:
    """Yield a node and all nodes below it, in the order of their text."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += reversed(found.children)


def operands(node: "Node") -> "list[Node]":
    """Return the parts of an expression: its named children, without comments."""
    return [
        each for each in node.named_children if each.type not in ("comment", "line_continuation")
    ]


def file_faults(data: bytes, path: Path) -> list[Fault]:
    """List what is wrong with the file as a whole, so that it must not be parsed."""
    if len(data) > LIMIT:
        message = f"too big for a config of xm: {len(data)} bytes, the limit is {LIMIT}"
        return [Fault(message, Location(path), remedy="take out what is no config")]
    if odd := re.search(rb"\0|\r(?!\n)", data):
        at = data.count(b"\n", 0, odd.start()) + 1
        what = "NUL bytes" if odd[0] == b"\0" else "carriage returns that end no line"
        remedy = "save it as plain text"
        return [Fault(f"not a text file: it holds {what}", Location(path, at), remedy=remedy)]
    return _encoding(data, path) or _slow_to_parse(data, path)


def _encoding(data: bytes, path: Path) -> list[Fault]:
    """Refuse an encoding in which an ASCII byte may be part of another character."""
    cookie = _COOKIE.match(data)
    if data.isascii() or not cookie or _PLAIN.fullmatch(cookie[1].lower().replace(b"_", b"-")):
        return []
    remedy = "save the file as UTF-8 and say so: # -*- coding: utf-8 -*-"
    at = data.count(b"\n", 0, cookie.start(1)) + 1
    message = "an encoding that shimtool does not read"
    return [Fault(message, Location(path, at), printable(cookie[1], MOST_SHOWN), remedy)]


def _slow_to_parse(data: bytes, path: Path) -> list[Fault]:
    """Refuse what would take the parser many seconds."""
    joined = len(re.findall(rb"\\\r?\n", data))
    if joined > _MOST_JOINED:
        message = f"{joined} lines end in a backslash, which no config needs"
        return [Fault(message, Location(path), remedy="write lists in brackets instead")]
    if _longest_comment(data) > _MOST_COMMENTS:
        message = f"more than {_MOST_COMMENTS} lines of comment in a row"
        return [Fault(message, Location(path), remedy="take some out")]
    return []


def _longest_comment(data: bytes) -> int:
    """Count the lines of the longest comment; blank lines neither end it nor count."""
    longest = run = 0
    for text in data.split(b"\n"):
        stripped = text.strip()
        if stripped.startswith(b"#"):
            run += 1
            longest = max(longest, run)
        elif stripped:
            run = 0
    return longest


def syntax_faults(source: Source, path: Path) -> list[Fault]:
    """List what is not Python, in no order: one fault a line, and not all of many."""
    if not source.root.has_error:
        return []
    lines = source.data.split(b"\n")
    found: dict[int, Fault] = {}
    for node in walk(source.root):
        if len(found) >= _MOST_FAULTS:
            break
        if (node.is_error or node.is_missing) and (at := line_of(node)) not in found:
            message = "neither xl nor Python (xm) can read this"
            if node.is_missing:
                message = f"Python (xm) misses {printable(node.type, MOST_SHOWN)} here"
            seen = printable(lines[at - 1].strip(), MOST_SHOWN) or None
            remedy = "correct the line; text needs quotes"
            found[at] = Fault(message, Location(path, at), seen, remedy)
    return list(found.values())
