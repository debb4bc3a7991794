"""Literals of Python 2: the bytes that a text stands for, and numbers."""

import re

from shimtool.configs.xm.values import Budget, NotKnownError, number
from shimtool.deferred import regex

_STRING = regex(rb"([a-zA-Z]*)('''|\"\"\"|'|\")(.*)\2", re.DOTALL)
_ESCAPE = regex(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_SIMPLE = dict(zip(b"\n\\'\"abfnrtv", (b"", *map(bytes, zip(b"\\'\"\a\b\f\n\r\t\v"))), strict=True))
_NUMBER = regex(
    rb"0[xX](?P<hex>[0-9a-fA-F]{1,30})|0[bB](?P<bin>[01]{1,99})|0[oO]?(?P<oct>[0-7]{1,30})"
    rb"|(?P<dec>[1-9][0-9]{0,30}|0)"
)
_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}


def text(source: bytes, budget: Budget) -> bytes | str:
    """Return the text of a string literal: bytes, or str for u'...'."""
    match = _STRING.fullmatch(source)
    prefix = match[1].lower() if match else b"`"
    if not match or prefix not in (b"", b"b", b"r", b"br", b"u", b"ur"):
        raise NotKnownError("text in a notation of Python that xm configs cannot use")
    body = match[3]
    budget.spend(len(body))
    if b"u" in prefix:
        return _unicode(body, raw=b"r" in prefix)
    return body if b"r" in prefix else _ESCAPE.sub(_unescaped, body)


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code[0] in b"01234567":
        return bytes([int(code, 8) & 0xFF])
    if code[:1] == b"x":
        if len(code) == 1:
            raise NotKnownError(r"an escape \x with two hexadecimal digits; Python takes no less")
        return bytes([int(code[1:], 16)])
    return _SIMPLE.get(code[0], match[0])


def _unicode(body: bytes, *, raw: bool) -> str:
    if not body.isascii() or re.search(rb"\\[uUN]", body):
        raise NotKnownError("unicode text (u'...') beyond ASCII")
    plain = body if raw else _ESCAPE.sub(_unescaped, body)
    return plain.decode("latin-1")


def integer(source: bytes) -> int:
    """Return a whole number in one of Python 2's notations: 10, 0x1f, 0700, 0o700, 0b11."""
    if source[-1:] in b"lL":
        raise NotKnownError("a long number (10L), a type that xm ignores; write it without the L")
    match = _NUMBER.fullmatch(source)
    if not match:
        raise NotKnownError("a number that Python 2 cannot read")
    kind = match.lastgroup or "dec"
    return number(int(match[kind], _BASES[kind]))


def real(source: bytes) -> float:
    """Return a number with a decimal point or an exponent."""
    if len(source) > 40 or not re.fullmatch(rb"[0-9.]+(?:[eE][-+]?[0-9]+)?", source):
        raise NotKnownError("a number that Python 2 cannot read")
    return float(source)
