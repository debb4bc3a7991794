"""Operators, functions and methods that configs use: as in Python 2, but bounded in size."""

import operator
import re
from collections.abc import Callable
from typing import cast

from shimtool.configs.xm import formatting
from shimtool.configs.xm.values import Budget, NotKnownError, Value, number

_MOST_BITS = 64  # of a shift or an exponent
_REALS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}
_INTEGERS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,  # Python 2 rounds the quotient of whole numbers down
    "//": operator.floordiv,
    "%": operator.mod,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "**": operator.pow,
    "|": operator.or_,
    "&": operator.and_,
    "^": operator.xor,
}


def binary(sign: str, left: Value, right: Value, budget: Budget) -> Value:
    """Return LEFT SIGN RIGHT."""
    if isinstance(left, bytes | str) and sign == "%":
        return formatting.percent_format(left, right, budget)
    if isinstance(left, int) and isinstance(right, int):
        return _integers(sign, int(left), int(right))
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _reals(sign, left, right)
    if sign == "+" and (joined := _concatenated(left, right, budget)) is not None:
        return joined
    if sign == "*" and isinstance(left, int):
        left, right = right, left
    if sign == "*" and isinstance(left, bytes | str | list | tuple) and isinstance(right, int):
        budget.spend(max(len(left), 1) * max(right, 0))
        return cast(Value, left * right)
    raise NotKnownError(_mismatch(sign, left, right))


def _mismatch(sign: str, left: Value, right: Value) -> str:
    return f"{_kind(left)} {sign} {_kind(right)}, which Python refuses"


def _kind(value: Value) -> str:
    names = {bytes: "text", str: "unicode text", int: "a number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def _concatenated(left: Value, right: Value, budget: Budget) -> Value:
    """Return LEFT + RIGHT for two texts, lists or tuples, else None."""
    if isinstance(left, bytes | str) and isinstance(right, bytes | str):
        budget.spend(len(left) + len(right))
        return formatting.concatenated([left, right])
    if isinstance(left, list) and isinstance(right, list):
        budget.spend(len(left) + len(right))
        return left + right
    if isinstance(left, tuple) and isinstance(right, tuple):
        budget.spend(len(left) + len(right))
        return left + right
    return None


def _integers(sign: str, left: int, right: int) -> int:
    if sign in ("<<", ">>", "**") and not 0 <= right <= _MOST_BITS:
        raise NotKnownError(f"a number {sign} {right}")
    try:
        return number(_INTEGERS[sign](left, right))
    except (ZeroDivisionError, KeyError):
        raise NotKnownError(f"{left} {sign} {right}, which Python refuses") from None


def _reals(sign: str, left: float, right: float) -> float:
    try:
        return _REALS[sign](left, right)
    except (ZeroDivisionError, OverflowError, KeyError):
        raise NotKnownError(f"{left} {sign} {right}, which Python refuses") from None


def unary(sign: str, value: Value) -> Value:
    """Return SIGN VALUE."""
    if isinstance(value, int) and sign in "+-~":
        return number({"+": int(value), "-": -value, "~": ~int(value)}[sign])
    if isinstance(value, float) and sign in "+-":
        return -value if sign == "-" else value
    raise NotKnownError(f"{sign} before {_kind(value)}, which Python refuses")


def subscript(container: Value, key: Value) -> Value:
    """Return CONTAINER[KEY]."""
    if isinstance(container, bytes | str | list | tuple) and isinstance(key, int):
        if -len(container) <= key < len(container):
            if isinstance(container, bytes):
                return container[key : key + 1 or None]
            return container[key]
    elif isinstance(container, dict) and isinstance(key, bytes | int) and key in container:
        return container[key]
    raise NotKnownError("an item that is not there")


# --- functions and methods -------------------------------------------------------------------


def function(name: str, values: list[Value], budget: Budget) -> Value:
    """Return what str(), int() or len() returns for `values`."""
    match name, values:
        case "str", [value]:
            text = formatting.as_text(value)
            if isinstance(text, bytes):
                return text
            if text.isascii():
                return text.encode()
        case "int", [bytes() as digits]:
            if re.fullmatch(rb"[ \t]*[-+]?[0-9]{1,19}[ \t]*", digits):
                return number(int(digits))
        case "int", [int() | float() as value] if abs(value) < 2**63:
            return number(int(value))
        case "len", [bytes() | str() | list() | tuple() | dict() as value]:
            return len(value)
    budget.spend(1)
    raise NotKnownError(f"what {name}() gives for this")


def method(text: bytes, name: str, values: list[Value], budget: Budget) -> Value:
    """Return what a method of `text` returns for `values`."""
    match name, values:
        case "join", [list() | tuple() as items]:
            budget.spend(len(items))
            parts = [part for part in items if isinstance(part, bytes)]
            if len(parts) == len(items):
                budget.spend(sum(map(len, parts)) + len(text) * len(parts))
                return text.join(parts)
        case "replace", [bytes() as old, bytes() as new]:
            budget.spend(len(text) + (text.count(old) * len(new)))
            return text.replace(old, new)
        case "strip", []:
            return text.strip()
        case "strip", [bytes() as characters]:
            return text.strip(characters)
        case "lower", []:
            return text.lower()
        case "upper", []:
            return text.upper()
    raise NotKnownError(f"what .{name}() gives")
