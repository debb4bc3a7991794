"""Values of stored documents, read strictly: they become the types that describe them.

What is wrong is told by its field: a file may have been edited, cut off, or forged.

Types are frozen dataclasses of str, int, bool, None, Literal, enums, Any, tuples, mappings and
unions of these; `Annotated[..., Must(...)]` says more of a value. (msgspec 0.22, which does the
same, writes to memory that is not its own for a union of str with a pattern and a tuple.)
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)  # fmt: skip

from shimtool.deferred import dataclass, regex

Kind = TypeVar("Kind")
Reader = Callable[[Any], Any]

# --- types of fields ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Must:
    """What a value must do: in `words`, which end the sentence "it must ...", and as a check."""

    words: str
    check: Callable[[Any], object] = lambda _value: True


def matching(pattern: str, words: str) -> Must:
    """Return the rule for text that matches as a whole."""
    whole = regex(pattern, re.DOTALL)
    return Must(words, lambda value: whole.fullmatch(value))  # noqa: PLW0108 - asked late


# Text that stands for bytes: no NUL, and of surrogates only those of surrogateescape.
Text = Annotated[
    str, matching(r"[^\0\ud800-\udc7f\udd00-\udfff]*", "be a text that can be bytes, without NUL")
]
Sha256 = Annotated[str, matching("[0-9a-f]{64}", "be 64 lower-case hexadecimal digits, in quotes")]
# Both a safe file name and a safe word of a command line.
Name = Annotated[
    str,
    matching(
        r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}",
        "begin with a letter or digit, then letters, digits, '.', '_', '+', '-', at most 64",
    ),
]
Words = Annotated[str, matching(".+", "be a text; put numbers in quotes")]
Flag = Annotated[bool, Must("be true or false")]


def fits(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type, annotated or not
    """Whether a value is of a kind."""
    try:
        _reader(kind)(value)
    except DamagedDocumentError:
        return False
    return True


def must(kind: Any) -> str:  # noqa: ANN401 - a type, annotated or not
    """Return what a value of this kind must do, to end the sentence "it must ..."."""
    if get_origin(kind) is Annotated:
        return next(each.words for each in kind.__metadata__ if isinstance(each, Must))
    found = [must(each) for each in get_args(kind) if each is not NoneType]
    return found[0] if found else "be of another kind"


_NOTHING = object()
_MOST_SHOWN = 60  # characters of a value


class DamagedDocumentError(Exception):
    """A document is not what it should be: `why`, in which `field` ("" for all of it).

    `value` is what stands there, if that tells something.
    """

    def __init__(self, why: str, field: str = "", value: object = _NOTHING) -> None:
        super().__init__(why, field, value)
        self.why, self.field, self.value = why, field, value

    def __str__(self) -> str:
        shown = "" if self.value is _NOTHING else f" (it is {_shown(self.value)})"
        return f"{self.field}: {self.why}{shown}" if self.field else f"{self.why}{shown}"

    def inside(self, holder: str) -> "DamagedDocumentError":
        """Return it as it is seen from outside of a field."""
        dot = "." if self.field and not self.field.startswith("[") else ""
        return DamagedDocumentError(self.why, f"{holder}{dot}{self.field}", self.value)


def _shown(value: object) -> str:
    """Return a value in few words: texts and numbers in JSON's form, the beginning of long ones."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = json.dumps(value[: _MOST_SHOWN + 1] if isinstance(value, str) else value, default=repr)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def typed(document: object, kind: type[Kind], at: str = "") -> Kind:
    """Return a document as what it should be; `at` is the field of a larger one that it is.

    Raises DamagedDocumentError naming the field.
    """
    try:
        return cast("Kind", _reader(cast("Any", kind))(document))
    except DamagedDocumentError as error:
        raise error.inside(at) from None
    except RecursionError:
        raise DamagedDocumentError("nested too deep", at) from None


# --- readers: made once for each type -------------------------------------------------------------


@cache
def _reader(kind: Any) -> Reader:  # noqa: ANN401, PLR0911 - a type; a case for each kind
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda value: value
    if origin is Annotated:
        return _ruled(_reader(parts[0]), [each for each in parts[1:] if isinstance(each, Must)])
    if origin in (Union, UnionType):
        return _one_of([_reader(part) for part in parts])
    if origin is Literal:
        return _literal(parts)
    if origin is tuple:
        return _items(_reader(parts[0])) if parts[-1] is ... else _array(list(map(_reader, parts)))
    if origin in (dict, Mapping):
        return _mapping(_reader(parts[0]), _reader(parts[1]))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum(kind)
    if is_dataclass(kind):
        return _object(cast("type[Any]", kind))
    return _plain(kind)


def _plain(kind: type) -> Reader:
    def read(value: Any) -> Any:  # noqa: ANN401 - whatever is there
        if type(value) is not kind:  # bool is an int, too
            raise DamagedDocumentError(f"it must be {_CALLED[kind]}", value=value)
        return value

    return read


_CALLED: dict[type, str] = {
    str: "a text", int: "a whole number", bool: "true or false", NoneType: "null",
}  # fmt: skip


def _ruled(inner: Reader, rules: list[Must]) -> Reader:
    def read(value: Any) -> Any:  # noqa: ANN401 - whatever is there
        found = inner(value)
        for rule in rules:
            if not rule.check(found):
                raise DamagedDocumentError(f"it must {rule.words}", value=value)
        return found

    return read


def _one_of(readers: list[Reader]) -> Reader:
    def read(value: Any) -> Any:  # noqa: ANN401 - whatever is there
        causes = []
        for each in readers:
            try:
                return each(value)
            except DamagedDocumentError as error:
                causes.append(error.with_traceback(None))  # it would hold this frame, and all
        # The one that got deepest saw what was meant.
        raise max(causes, key=lambda error: len(error.field))

    return read


def _literal(values: tuple[object, ...]) -> Reader:
    def read(value: Any) -> Any:  # noqa: ANN401 - whatever is there
        if not any(type(value) is type(each) and value == each for each in values):
            raise DamagedDocumentError(f"it must be {' or '.join(map(str, values))}", value=value)
        return value

    return read


def _enum(kind: type[Enum]) -> Reader:
    def read(value: Any) -> Enum:  # noqa: ANN401 - whatever is there
        try:
            return kind(value)
        except ValueError:
            words = ", ".join(str(each.value) for each in kind)
            raise DamagedDocumentError(f"it must be one of: {words}", value=value) from None

    return read


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - whatever is there
    if not isinstance(value, list):
        raise DamagedDocumentError("it must be a list", value=value)
    return value


def _at(number: int, reader: Reader, value: Any) -> Any:  # noqa: ANN401 - whatever is there
    try:
        return reader(value)
    except DamagedDocumentError as error:
        raise error.inside(f"[{number}]") from None


def _items(reader: Reader) -> Reader:
    return lambda value: tuple(
        _at(number, reader, each) for number, each in enumerate(_listed(value))
    )


def _array(readers: list[Reader]) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever is there
        if len(_listed(value)) != len(readers):
            raise DamagedDocumentError(f"it must be a list of {len(readers)}", value=value)
        pairs = zip(readers, value, strict=True)
        return tuple(_at(number, reader, each) for number, (reader, each) in enumerate(pairs))

    return read


def _mapping(keys: Reader, values: Reader) -> Reader:
    def read(value: Any) -> dict[Any, Any]:  # noqa: ANN401 - whatever is there
        if not isinstance(value, dict):
            raise DamagedDocumentError("it must be a mapping", value=value)
        found = {}
        for key, each in value.items():
            try:
                found[keys(key)] = values(each)
            except DamagedDocumentError as error:
                raise error.inside(str(key)[:80]) from None
        return found

    return read


Keys = dict[str, tuple["Field[Any]", Any]]


@dataclass(frozen=True, slots=True)
class Key:
    """What a field is called in documents, where that is not its own name."""

    name: str


def keys_of(kind: type[Any]) -> Keys:
    """Return the fields of a type and their own types, by the key that they have in documents.

    Of a type whose HYPHENS is True, hyphens stand there for underscores.
    """
    hints = get_type_hints(kind, include_extras=True)
    hyphens = getattr(kind, "HYPHENS", False)
    found = {}
    for each in fields(kind):
        hint = hints[each.name]
        named = [said.name for said in getattr(hint, "__metadata__", ()) if isinstance(said, Key)]
        usual = each.name.replace("_", "-") if hyphens else each.name
        found[named[0] if named else usual] = (each, hint)
    return found


def is_required(each: "Field[Any]") -> bool:
    """Whether a document must have this field."""
    return each.default is MISSING and each.default_factory is MISSING


def _object(kind: type[Any]) -> Reader:
    """Read a mapping with just these keys; with more, where the type's own KNOWN_ONLY is False."""
    described = keys_of(kind)
    known = {key: (each.name, _reader(hint)) for key, (each, hint) in described.items()}
    required = {key for key, (each, _hint) in described.items() if is_required(each)}
    open_ended = not getattr(kind, "KNOWN_ONLY", True)

    def read(value: Any) -> Any:  # noqa: ANN401 - whatever is there
        if not isinstance(value, dict):
            raise DamagedDocumentError("it must be a mapping", value=value)
        if not required <= value.keys():
            raise DamagedDocumentError("it is missing", min(required - value.keys()))
        found = {}
        for key, each in value.items():
            if key in known:
                name, reader = known[key]
                try:
                    found[name] = reader(each)
                except DamagedDocumentError as error:
                    raise error.inside(key) from None
            elif not open_ended:
                raise DamagedDocumentError("there is no such field", str(key)[:80])
        return kind(**found)

    return read
