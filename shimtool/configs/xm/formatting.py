"""Text made by Python 2's % operator and by .format(), bounded in width."""

import re
from collections.abc import Iterator, Mapping
from string import Formatter

from shimtool.configs.xm.values import Budget, NotKnownError, Value, known
from shimtool.deferred import regex

_WIDEST = 1000  # characters
_SPEC = regex(
    rb"%(?:\((?P<key>[^()]*)\))?(?P<flags>[-0 +]*)(?P<width>[0-9]{0,9})"
    rb"(?:\.(?P<places>[0-9]{0,9}))?[hlL]?(?P<kind>[diuxXosceEfFgG%])"
)
_FIELD = regex(r"[A-Za-z_]\w*|[0-9]{1,4}|")
_FORMAT = regex(r"[<>^]?0?[0-9]{0,3}[sdxX]?")


def as_text(value: Value) -> bytes | str:
    """Return str(value) of Python 2, but leave unicode text as it is."""
    match value:
        case bytes() | str():
            return value
        case bool() | int() | None:
            return str(value).encode()
        case float():
            digits = f"{value:.12g}"  # as Python 2 shows them
            plain = re.fullmatch(r"-?[0-9]+", digits)
            return (f"{digits}.0" if plain else digits).encode()
    raise NotKnownError(f"Python's text form of a {type(value).__name__}")


def concatenated(parts: list[bytes | str]) -> bytes | str:
    """Concatenate: one unicode part makes the whole unicode, and then all must be ASCII."""
    if all(isinstance(part, bytes) for part in parts):
        return b"".join(part for part in parts if isinstance(part, bytes))
    return "".join(part if isinstance(part, str) else promoted(part) for part in parts)


def promoted(text: bytes) -> str:
    """Return text as unicode, as Python 2 does where it is joined to unicode."""
    if not text.isascii():
        raise NotKnownError(
            "unicode text (u'...') joined to bytes beyond ASCII; Python fails there"
        )
    return text.decode("ascii")


def percent_format(template: bytes | str, operand: Value, budget: Budget) -> bytes | str:
    """Return TEMPLATE % OPERAND."""
    budget.spend(len(template))
    raw = template.encode("latin-1") if isinstance(template, str) else template
    parts: list[bytes | str] = ["" if isinstance(template, str) else b""]
    arguments = _Arguments(operand)
    position = 0
    while (at := raw.find(b"%", position)) >= 0:
        match = _SPEC.match(raw, at)
        if not match:
            raise NotKnownError("a % format that shimtool does not know")
        parts += [raw[position:at], _piece(match, arguments)]
        budget.spend(len(parts[-1]))
        position = match.end()
    arguments.check()
    parts.append(raw[position:])
    done = concatenated(parts)
    budget.spend(len(done))
    return done


class _Arguments:
    """The values right of %, which a template takes in order or by name."""

    def __init__(self, operand: Value) -> None:
        self._mapping = operand if isinstance(operand, dict) else None
        self._values: Iterator[Value] = iter(operand if isinstance(operand, tuple) else (operand,))

    def get(self, key: bytes | None) -> Value:
        if key is None:
            for value in self._values:
                return known(value)
            raise NotKnownError("a value behind % for each place in the text; Python fails there")
        if self._mapping is None or key not in self._mapping:
            raise NotKnownError(f"a value named {key[:40].decode(errors='replace')} behind %")
        return known(self._mapping[key])

    def check(self) -> None:
        if self._mapping is None and next(self._values, self) is not self:
            raise NotKnownError("a place in the text for each value behind %; Python fails there")


def _piece(match: re.Match[bytes], arguments: _Arguments) -> bytes | str:
    kind = match["kind"].decode()
    width, places = int(match["width"] or 0), int(match["places"] or 0)
    if max(width, places) > _WIDEST:
        raise NotKnownError(f"a % format wider than {_WIDEST} characters")
    if kind == "%":
        return b"%"
    value = arguments.get(match["key"])
    precision = "" if match["places"] is None else f".{places}"
    spec = f"%{match['flags'].decode()}{width or ''}{precision}{kind}"
    if kind == "s":
        text = as_text(value)
        if isinstance(text, str):
            return spec % text
        return (spec % text.decode("latin-1")).encode("latin-1")
    if not isinstance(value, int | float) or kind == "c":
        raise NotKnownError(f"a number for %{kind}; Python fails or does something odd there")
    if isinstance(value, float) and (kind in "xXo" or not abs(value) < 2**63):
        raise NotKnownError(f"a whole number for %{kind}")
    return (spec % value).encode()


def str_format(
    template: bytes | str, values: list[Value], named: Mapping[str, Value], budget: Budget
) -> bytes | str:
    """Return TEMPLATE.format(*VALUES, **NAMED): plain fields only, no attributes or items."""
    budget.spend(len(template))
    text = template if isinstance(template, str) else template.decode("latin-1")
    parts: list[bytes | str] = ["" if isinstance(template, str) else b""]
    try:
        fields = list(Formatter().parse(text))
    except ValueError:
        raise NotKnownError("a .format() template that Python cannot read") from None
    count = 0
    for literal, name, spec, conversion in fields:
        parts.append(literal.encode("latin-1"))
        if name is None:
            continue
        if not _FIELD.fullmatch(name) or conversion or not _FORMAT.fullmatch(spec or ""):
            raise NotKnownError("a .format() field with more in it than a name and a width")
        key, count = (name, count) if name else (str(count), count + 1)
        parts.append(_field(_chosen(key, values, named), spec or ""))
        budget.spend(len(parts[-1]))
    done = concatenated(parts)
    budget.spend(len(done))
    return done


def _chosen(key: str, values: list[Value], named: Mapping[str, Value]) -> Value:
    if key.isdigit():
        if int(key) < len(values):
            return known(values[int(key)])
    elif key in named:
        return known(named[key])
    raise NotKnownError(f"a value for {{{key}}} in .format()")


def _field(value: Value, spec: str) -> bytes | str:
    try:
        match value:
            case bool() | None | float() if not spec:
                return as_text(value)
            case bytes():
                return format(value.decode("latin-1"), spec).encode("latin-1")
            case str():
                return format(value, spec)
            case int() if not isinstance(value, bool):
                return format(value, spec).encode()
    except ValueError:
        pass
    raise NotKnownError(f"a .format() field {{:{spec}}} of a {type(value).__name__}")
