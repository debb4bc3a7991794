"""What a config sets a key to: a value that xl can read, or why there is none."""

from shimtool.configs.xm.values import LARGEST, Budget, NotKnownError, Unknown, Value
from shimtool.deferred import dataclass

_DEEPEST = 50  # lists inside each other

# Text, a number, or a list of these.
XlValue = bytes | int | tuple["XlValue", ...]


@dataclass(frozen=True, slots=True)
class Unusable:
    """A value that is known, but that xm or xl cannot use: why, and what to write instead."""

    why: str
    remedy: str


# What a key is set to; None means that it is not set.
Setting = XlValue | Unknown | Unusable | None


def setting_of(value: Value, budget: Budget) -> Setting:
    """Return what a key is set to that Python sets to `value`.

    xm took no notice of False either, which is what it says.
    """
    match value:
        case Unknown() | None:
            return value
        case False:
            return None
        case bool() | str() | tuple() | dict():
            return _ignored(value)
    return _item(value, budget)


def _item(value: Value, budget: Budget, depth: int = 0) -> XlValue | Unknown | Unusable:
    """Return what xl can read for a value, or for an item of a list."""
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
    return Unusable(
        f"holds {_described(value)}, which xl cannot read", "write text or a whole number"
    )


def _items(values: list[Value], budget: Budget, depth: int) -> XlValue | Unknown | Unusable:
    items: list[XlValue] = []
    for value in values:
        item = _item(value, budget, depth + 1)
        if isinstance(item, Unknown | Unusable):
            return item
        items.append(item)
    return tuple(items)


def _ignored(value: Value) -> Unusable:
    """Return why xm ignores a value: it takes str, int, float and list only (xend's opts.py)."""
    if isinstance(value, bool):
        return Unusable(f"is {value}, which xm ignores", f"write {int(value)}, or remove it")
    if isinstance(value, tuple):
        return Unusable("is a tuple, which xm ignores", "write a list: [ ... ]")
    if isinstance(value, str):
        return Unusable("is unicode text (u'...'), which xm ignores", "write it without the u")
    return Unusable(f"is {_described(value)}, which xm ignores", "write text, a number or a list")


def _described(value: Value) -> str:
    if isinstance(value, bool | float | None):
        return str(value)
    names = {"str": "unicode text beyond ASCII", "dict": "a dictionary"}
    kind = type(value).__name__
    return names.get(kind, f"a {kind}")
