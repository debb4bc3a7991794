"""Configs made up by hypothesis: it draws bytes, which decide each choice of a small grammar.

One cheap draw an example keeps ten thousand of them affordable; fewer or smaller bytes mean
smaller configs, so that failures shrink.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st

from shimtool.model import ConfigEdits, ConfigValue
from tests.configs.xl.support import FIXTURES

T = TypeVar("T")

_KEYS = ["a", "b", "name", "disk", "x.y_9", "k0"]
_BLANKS = ["", "", " ", "\t", "  \t"]
_NEWLINES = ["", "", "", "\n", " \n\n", "# note ] ' \n", " # \n  #\n"]
_ENDS = ["\n", "\n", ";", ";;", " # c\n", "\n\n", "#\n", " ;\t"]
_TEXT = [*"ab 01789,;#[]=+-\\'\"\r\t~", "é", "\udcff", "\u2028"]
_ESCAPES = [r"\\", r"\'", r"\"", r"\n", r"\t", r"\a", r"\101", r"\1234", r"\08", r"\1 2", r"\1-7"]
_BAD_ESCAPES = [r"\x41", r"\7", r"\q", r"\9", r"\1+", r"\xzz", r"\1  "]
_TAILS = [b"", b"", b"\n", b"# end\n", b"#", b"$", b" \r", b"a=1", b"# open", b"'", b"x", b"x=1 1"]
_SNIPPETS = [b"'", b'"', b"\\", b"[", b"]", b",", b";", b"=", b"+=", b"\n", b"#", b" ", b"\t"]
_SNIPPETS += [b"a", b"x=1\n", b"\n]\n", b"0x1f", b"$", b"\xff", b"[[[", b"\\\n", b"'\n", b"+"]
_SNIPPETS += [b"\r", b"1 ", b"# c\n"]
_PIECES = [*_SNIPPETS, b"a=", b"b+=", b"'s'", b"a=1", b"b+=[1]", b"a+='s'"]
# NUL bytes in strings make libxlu abort: they have a test of their own.
_SEEDS = [data for data in (path.read_bytes() for path in FIXTURES) if b"\0" not in data]


class Choices:
    """Decisions out of drawn bytes; the first choice when they run out."""

    def __init__(self, drawn: bytes) -> None:
        self._drawn = iter(drawn)

    def number(self, below: int) -> int:
        return next(self._drawn, 0) % below

    def of(self, options: Sequence[T]) -> T:
        return options[self.number(len(options))]

    def several(self, most: int, make: Callable[[], T]) -> list[T]:
        return [make() for _ in range(self.number(most + 1))]

    def place(self, length: int) -> int:
        return (self.number(256) << 8 | self.number(256)) % (length + 1)


def _number(choices: Choices) -> str:
    return choices.of("0123456789") + "".join(choices.several(5, lambda: choices.of("0178fax")))


def _text(choices: Choices) -> str:
    return "".join(choices.several(7, lambda: choices.of(_TEXT)))


def _string(choices: Choices) -> str:
    quote = choices.of("'\"")
    parts = [_text(choices).replace("\\", "\\\\").replace(quote, "\\" + quote)]
    parts += choices.several(2, lambda: choices.of(_ESCAPES))
    if choices.number(12) == 1:
        parts.append(choices.of(_BAD_ESCAPES))
    return quote + "".join(parts) + quote


def _value(choices: Choices, depth: int = 0) -> str:
    kind = choices.number(4)
    if kind == 0 or depth > 3:
        return _number(choices)
    return _string(choices) if kind == 1 or kind == 2 + depth else _list(choices, depth)


def _list(choices: Choices, depth: int) -> str:
    items = choices.several(3, lambda: _spaced(choices, _value(choices, depth + 1)))
    comma = "," if items and choices.number(2) else ""
    return "[" + _spaced(choices, ",".join(items) + comma) + "]"


def _spaced(choices: Choices, text: str) -> str:
    return choices.of(_NEWLINES) + text + choices.of(_NEWLINES)


def _assignment(choices: Choices) -> str:
    words = (choices.of(_KEYS), choices.of(["=", "=", "+="]), _value(choices))
    return "".join(choices.of(_BLANKS) + word for word in words) + choices.of(_BLANKS)


def _config(drawn: bytes) -> bytes:
    choices = Choices(drawn)
    lines = choices.several(6, lambda: _assignment(choices) + choices.of(_ENDS))
    return "".join(lines).encode(errors="surrogateescape") + choices.of(_TAILS)


def _mutated(drawn: bytes) -> bytes:
    """Return a fixture with a few pieces cut out, put in or swapped for others."""
    choices = Choices(drawn)
    data = choices.of(_SEEDS)
    for _ in range(1 + choices.number(4)):
        at = choices.place(len(data))
        data = data[:at] + choices.of(_SNIPPETS) + data[at + choices.number(4) :]
    return data


def _heap(drawn: bytes) -> bytes:
    choices = Choices(drawn)
    return b"".join(choices.several(30, lambda: choices.of(_PIECES)))


def _setting(choices: Choices) -> ConfigValue:
    match choices.number(4):
        case 0:
            return choices.number(256) * 2**56 - 2**63
        case 1:
            return _text(choices) + "\n" * choices.number(2)
        case 2:
            drawn = choices.several(9, lambda: 1 + choices.number(255))
            return bytes(drawn).decode(errors="surrogateescape")
    return tuple(choices.several(5, lambda: _text(choices) * (1 + choices.number(9))))


def _edits(drawn: bytes) -> ConfigEdits:
    choices = Choices(drawn)
    comment_out = choices.several(3, lambda: choices.of(_KEYS))
    settings = choices.several(3, lambda: (choices.of(_KEYS), _setting(choices)))
    return ConfigEdits(tuple(comment_out), tuple(settings))


CONFIGS = st.binary(max_size=120).map(_config)
MUTATED = st.binary(max_size=20).map(_mutated)
HEAPS = st.binary(max_size=31).map(_heap)
EDITS = st.binary(max_size=60).map(_edits)
