"""SXP as xend's own parser reads it: lists in parentheses, words, quoted text, # comments."""

import re
from dataclasses import field
from pathlib import Path
from typing import Union

from shimtool.deferred import dataclass, regex
from shimtool.errors import fault

_DEEPEST = 50  # lists in each other; xend writes 7
# What `xm create --dryrun` says before it shows the guest.
_SAID_FIRST = rb"(?:Using config file \"[^\n]*\n)?"
# Up to 4.2 xl showed a guest in a like form, whose brackets do not match.
_NOT_OF_XL = rb"(?!\s*\(domid -?\d+\)\s*\(create_info\))"
_BEFORE = regex(_SAID_FIRST)
_DOMAIN = regex(_SAID_FIRST + rb"(?:\s+|#[^\n]*\n)*+\(\s*(?:domain|vm)(?=[\s()])" + _NOT_OF_XL)
_TOKEN = regex(
    rb"(?P<none>\s+|#[^\n]*)|(?P<open>\()|(?P<close>\))"
    rb"|'(?P<single>(?:[^'\\]|\\.)*+)'|\"(?P<double>(?:[^\"\\]|\\.)*+)\"|(?P<word>[^\s()'\"]+)",
    re.DOTALL,
)
_ESCAPE = regex(rb"\\(?:x([0-9A-Fa-f]{2})|([0-3]?[0-7]{1,2})|(.))", re.DOTALL)
_ESCAPES = {
    b"a": b"\a", b"b": b"\b", b"t": b"\t", b"n": b"\n", b"v": b"\v", b"f": b"\f", b"r": b"\r",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A word or quoted text, and its 1-based line."""

    text: bytes
    line: int


@dataclass(frozen=True, slots=True)
class Form:
    """A list, and the 1-based line on which it begins."""

    line: int
    items: list[Union[Word, "Form"]] = field(default_factory=list)

    @property
    def name(self) -> bytes:
        """The first word, which says what the list is; empty if it has none."""
        return self.items[0].text if self.items and isinstance(self.items[0], Word) else b""

    def forms(self, name: bytes | None = None) -> "list[Form]":
        """Return the lists in it, all or those of a name."""
        found = [each for each in self.items if isinstance(each, Form)]
        return [each for each in found if name is None or each.name == name]

    def words(self) -> list[bytes]:
        """Return the words behind its name."""
        return [each.text for each in self.items[1:] if isinstance(each, Word)]

    def value(self, name: bytes) -> bytes:
        """Return what the last list of a name holds, as one text; empty if there is none."""
        found = self.forms(name)
        return b" ".join(found[-1].words()) if found else b""


def is_domain(data: bytes) -> bool:
    """Whether a file begins as xend's form of a guest does."""
    return _DOMAIN.match(data) is not None


def read(data: bytes, path: Path) -> list[Form]:
    """Return the lists at the top; ShimtoolError for what is no SXP."""
    before = _BEFORE.match(data)
    top, at = Form(1), before.end() if before else 0
    line = 1 + data.count(b"\n", 0, at)
    stack = [top]
    while at < len(data):
        match = _TOKEN.match(data, at)
        if not match or (match["close"] and len(stack) == 1):
            seen = data[at : at + 60].decode(errors="backslashreplace")
            raise fault("xend's SXP ends or breaks off here", path, line, seen=seen, remedy=_AGAIN)
        if match["open"]:
            inner = Form(line)
            stack[-1].items.append(inner)
            stack.append(inner)
        elif match["close"]:
            stack.pop()
        elif match["none"] is None:
            stack[-1].items.append(Word(_text(match), line))
        if len(stack) > _DEEPEST:
            raise fault("lists too deep for xend's SXP", path, line, remedy=_AGAIN)
        line += match[0].count(b"\n")
        at = match.end()
    if len(stack) > 1:
        message = "xend's SXP ends inside this list"
        raise fault(message, path, stack[-1].line, remedy=_AGAIN)
    return top.forms()


_AGAIN = "write it again: xm list -l GUEST > FILE"


def _text(match: re.Match[bytes]) -> bytes:
    if match["word"] is not None:
        return match["word"]
    quoted = match["single"] if match["single"] is not None else match["double"]
    return _ESCAPE.sub(_meant, quoted)


def _meant(escape: re.Match[bytes]) -> bytes:
    in_hex, in_octal, char = escape.groups()
    if char is not None:
        return _ESCAPES.get(char, char)
    return bytes([int(in_hex, 16) if in_hex else int(in_octal, 8)])
