"""JSON Schema of the --json documents (cli/results/documents.py), made of their TypedDicts."""

import types
from enum import StrEnum
from inspect import cleandoc
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PLAIN = {str: "string", int: "integer", bool: "boolean", type(None): "null"}


def schema_of(title: str, document: object) -> dict[str, Any]:
    """Return the schema of a whole document."""
    defs: dict[str, Any] = {}
    body = _schema(document, defs)
    return {"$schema": DIALECT, "title": title, **body, "$defs": dict(sorted(defs.items()))}


def _schema(kind: Any, defs: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - any type hint
    origin, inside = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if is_typeddict(kind):
        return _reference(kind, defs)
    if origin is Literal or (isinstance(kind, type) and issubclass(kind, StrEnum)):
        return {"enum": [str(each) for each in (inside or kind)]}
    parts = [_schema(each, defs) for each in inside]
    if origin is list:
        return {"type": "array", "items": parts[0]}
    if origin is dict:
        names = {} if inside[0] is str else {"propertyNames": parts[0]}
        return {"type": "object", "additionalProperties": parts[1], **names}
    assert origin in (Union, types.UnionType), kind
    return _any_of(parts)


def _any_of(options: list[dict[str, Any]]) -> dict[str, Any]:
    """Say alternatives as short as can be: plain types as a list of them."""
    if all(each.keys() == {"type"} for each in options):
        return {"type": [each["type"] for each in options]}
    return {"anyOf": options}


def _reference(kind: Any, defs: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - a TypedDict
    if kind.__name__ not in defs:
        defs[kind.__name__] = {}  # it is on its way, should it hold itself
        hints = get_type_hints(kind)
        defs[kind.__name__] = {
            "description": cleandoc(kind.__doc__ or ""),
            "type": "object",
            "properties": {name: _schema(each, defs) for name, each in hints.items()},
            "required": sorted(hints),
        }
    return {"$ref": f"#/$defs/{kind.__name__}"}
