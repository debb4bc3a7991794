"""Values of a config as xl can be told them, or why not."""

from dataclasses import dataclass

from shimtool.configs.xm.values import LARGEST, Budget, NotKnownError, Unknown, Value

_DEEPEST = 50  # lists inside each other

# Text, a number, or a list of these.
Item = bytes | int | tuple["Item", ...]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A value that is known, but that xm or xl cannot use: why, and what to write instead."""

    why: str
    remedy: str


# What a key is set to; None means not at all.
Setting = Item | Unknown | Unusable | None


def setting(value: Value, budget: Budget) -> Setting:
    """Return what setting a key to `value` means."""
    match value:
        case Unknown() | None:
            return value
        case bool() | str() | tuple() | dict():
            return _ignored(value)
    return _item(value, budget)


def _item(value: Value, budget: Budget, depth: int = 0) -> Item | Unknown | Unusable:
    """Return a value, or an item of a list."""
    try:
        budget.spend(len(value) if isinstance(value, bytes) else 1)
    except NotKnownError as error:
        return Unknown(error.needs, 0)
    if isinstance(value, str) and value.isascii():
        value = value.encode()
    elif isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        value = int(value)
    match value:
        case bytes() if b"\0" in value:
            return Unusable("holds a NUL byte, which xl cannot read", "write it without")
        case bytes() | Unknown():
            return value
        case int() if not isinstance(value, bool):
            return value
        case list() if depth < _DEEPEST:
            return _items(value, budget, depth)
    return Unusable(f"holds {_shown(value)}, which xl cannot read", "write text or a whole number")


def _items(values: list[Value], budget: Budget, depth: int) -> Item | Unknown | Unusable:
    items: list[Item] = []
    for value in values:
        item = _item(value, budget, depth + 1)
        if isinstance(item, Unknown | Unusable):
            return item
        items.append(item)
    return tuple(items)


def _ignored(value: Value) -> Unusable:
    """Say what xm does with a value of a type that is not among its four (xend's opts.py)."""
    if isinstance(value, bool):
        return Unusable(f"is {value}, which xm ignores", f"write {int(value)}, or remove it")
    if isinstance(value, tuple):
        return Unusable("is a tuple, which xm ignores", "write a list: [ ... ]")
    if isinstance(value, str):
        return Unusable("is unicode text (u'...'), which xm ignores", "write it without the u")
    return Unusable(f"is {_shown(value)}, which xm ignores", "write text, a number or a list")


def _shown(value: Value) -> str:
    if isinstance(value, bool | float | None):
        return str(value)
    names = {"str": "unicode text beyond ASCII", "dict": "a dictionary"}
    kind = type(value).__name__
    return names.get(kind, f"a {kind}")
