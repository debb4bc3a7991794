r"""Tokens of xl.cfg as libxlu's scanner (Xen 4.17) cuts them. Offsets are bytes, lines 1-based.

Its quirks matter, because a config that xl refuses must not look fine here, nor the reverse
(each was tried on Debian's libxlutil 4.17; tests/configs/xl compares the two):

- a comment counts only with a newline after it; `# ...` ending the file is an error;
- carriage returns are errors outside comments and strings, so CRLF files are refused;
- an odd character is an error together with what follows it up to the next blank; one that is
  the file's very last byte is silently overlooked;
- strings hold no newline; \\ \' \" \a \b \f \n \r \t \v are escapes, \xHH is always refused,
  and octal escapes are accepted but yield nothing; a NUL inside a string makes xl abort.
"""

import re
from collections.abc import Iterator
from dataclasses import field
from typing import NamedTuple

from shimtool.deferred import dataclass, regex
from shimtool.model import ConfigString
from shimtool.text import printable

MOST_SHOWN = 60  # characters of a config that a message quotes

# Kinds are re.Match.lastindex of the pattern below.
NEWLINE, IDENT, NUMBER, STRING, ADD, SET, END_STATEMENT, OPEN, CLOSE, COMMA, _ODD, END = range(
    1, 13
)

_TOKEN = rb"""[ \t]*(?:
    (\n%s)
  | ([a-z][._0-9a-z]*+)
  | ([0-9][0-9a-fx]*+)
  | ('(?:[^'\\\n]++|\\[^\n])*+' | "(?:[^"\\\n]++|\\[^\n])*+")
  | (\+=) | (=) | (;) | (\[) | (\]) | (,)
  | ([^\n](?:[^ \t\n]++|[ \t\n])?)
  | (\Z)
)"""
_COMPLETE = regex(_TOKEN % rb"|\#[^\n]*+\n", re.VERBOSE)
# After the last newline no comment can end; not looking for one keeps this linear.
_LAST_LINE = regex(_TOKEN % rb"", re.VERBOSE)

_ESCAPE = regex(rb"\\([0-7]|.)", re.DOTALL)
_ESCAPED = {
    ord(name): value for name, value in zip("'\"\\abfnrtv", b"'\"\\\a\b\f\n\r\t\v", strict=True)
}
# What strtoul, base 10, takes of the three bytes that follow the first octal digit.
_OCTAL_REST = regex(rb"[ \t\v\f\r]*[+-]?[0-9]+")


CRLF = "carriage return before the newline: xl refuses CRLF line ends"


class Token(NamedTuple):
    """Kind, byte span without leading blanks, and line."""

    kind: int
    start: int
    end: int
    line: int


# What would help, by how the odd text begins; compiled when a config has any.
_REMEDIES = (
    (
        rb"\{\{|\{%|<%|\$\{|\$\w|@\w+@|%\w+%",
        "this is a template's blank to fill in: give the config that is made of it",
    ),
    (rb"//|/\*", "comments begin with #"),
    (rb"<<<<<<<|>>>>>>>", "two versions are in it, not merged: keep one of them, and no marks"),
    (rb"\xe2\x80[\x98-\x9f]|\xc2[\xab\xbb]|`|\xc2\xb4", "write plain quotes, ' or \""),
    (rb"\xef\xbb\xbf", "remove the byte-order mark (BOM) before it"),
    (rb"\xc2\xa0", "write plain blanks: this is one that does not break"),
    (rb"EO[FTM]\s*\Z", "remove it: it ends a here-document of a shell"),
    (rb"[A-Z]", "keys are in lower case, text needs quotes"),
    (rb"", "text needs quotes; Python code is not allowed"),
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One syntax error: what, on which line, and perhaps what to do."""

    line: int
    message: str
    remedy: str | None = None


@dataclass(slots=True)
class Lexer:
    """Cuts `data` into tokens; lexical errors gather in `problems`.

    `end` is where xl stops reading: before the overlooked last byte, if there is one.
    """

    data: bytes
    problems: list[Problem] = field(default_factory=list)
    end: int = field(init=False)

    def __post_init__(self) -> None:
        self.end = len(self.data)

    def tokens(self) -> Iterator[Token]:
        """Yield every token, at last END on the line of the last token or problem."""
        line = last = 1
        for match in self._matches():
            kind = match.lastindex or END
            start, stop = match.span(kind)
            if kind == END:  # both patterns meet it; the last one is the file's
                continue
            if kind == _ODD:
                if self._overlooked(start, stop):
                    break
                self._odd(start, stop, line)
                if not self.data.endswith(b"\n", start, stop):
                    last = line
                    continue
                kind = NEWLINE
            # Token() itself would take half of all the time here.
            yield tuple.__new__(Token, (kind, start, stop, line))
            last = line
            line += kind == NEWLINE
        yield Token(END, self.end, self.end, last)

    def _matches(self) -> Iterator[re.Match[bytes]]:
        last_line = self.data.rfind(b"\n") + 1
        yield from _COMPLETE.finditer(self.data, 0, last_line) if last_line else ()
        yield from _LAST_LINE.finditer(self.data, last_line)

    def _overlooked(self, start: int, stop: int) -> bool:
        """Tell whether this is the odd character that xl overlooks, the file's very last."""
        if stop < len(self.data) or stop > start + 1:
            return False
        self.end = start
        return True

    def _odd(self, start: int, stop: int, line: int) -> None:
        if not self.problems or self.problems[-1].line != line:
            self.problems.append(Problem(line, *_explain(self.data[start:stop])))

    def atom(self, token: Token) -> ConfigString:
        """Return the value of a NUMBER or STRING token, UTF-8 with surrogateescape."""
        raw = self.data[token.start : token.end]
        if token.kind == STRING:
            raw = self._unquoted(raw[1:-1], token.line)
        return ConfigString(raw.decode(errors="surrogateescape"), token.line)

    def _unquoted(self, raw: bytes, line: int) -> bytes:
        if b"\0" in raw:
            self.problems.append(Problem(line, "NUL byte in a string"))
        if b"\\" not in raw:
            return raw
        parts, position = [], 0
        while match := _ESCAPE.search(raw, position):
            parts.append(raw[position : match.start()])
            value, position = self._escape(raw, match, line)
            parts.append(value)
        parts.append(raw[position:])
        return b"".join(parts)

    def _escape(self, raw: bytes, match: re.Match[bytes], line: int) -> tuple[bytes, int]:
        """Return the bytes an escape stands for, and where to go on."""
        code = match[1][0]
        if code in _ESCAPED:
            return bytes([_ESCAPED[code]]), match.end()
        if chr(code) in "01234567":
            rest = _OCTAL_REST.match(raw[match.end() : match.end() + 3])
            if rest and rest.end() >= 2:
                return b"", match.end() + rest.end()
        shown = printable(match[0], MOST_SHOWN)
        self.problems.append(
            Problem(line, f"xl does not take the escape {shown} in a string", "write \\\\ for \\")
        )
        return b"", match.end()


def _explain(odd: bytes) -> tuple[str, str | None]:
    """Return message and remedy for a piece of text that is no token."""
    if odd == b"\r\n":
        return CRLF, "change CRLF line ends to LF throughout, e.g. with dos2unix"
    if odd[:1] == b"#":
        return "a comment on the last line must end in a newline", "add a newline to the file"
    if odd[:1] in (b"'", b'"'):
        return "a string without its closing quote", "close it on the same line"
    remedy = next(remedy for pattern, remedy in _REMEDIES if re.match(pattern, odd))
    return f"xl does not understand {printable(odd.rstrip(), MOST_SHOWN)} here", remedy
