"""JSON as it is stored: whole numbers only, and text of any bytes."""

import json
from binascii import a2b_base64, b2a_base64  # base64 loads more, and the jail can load nothing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any, NoReturn

from shimtool.system.typed import DamagedDocumentError


def _finite(text: str) -> float:
    """Read a number that no field of ours has: it is told where it stands."""
    number = float(text)
    if not isfinite(number):  # could not be written again
        _no_number(text)
    return number


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"a whole number is missing: {text[:80]!r}")


def _text_of_bytes(found: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever JSON holds
    text = found.get("base64")
    if len(found) != 1 or not isinstance(text, str):
        return found
    return a2b_base64(text, strict_mode=True).decode(errors="surrogateescape")


_DECODER = json.JSONDecoder(
    parse_float=_finite, parse_constant=_no_number, object_hook=_text_of_bytes
)


def parse_json(data: bytes) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Parse JSON; {"base64": TEXT} stands for text of such bytes, and nothing for infinity.

    Raises DamagedDocumentError.
    """
    try:
        return _DECODER.decode(data.decode())
    except (ValueError, RecursionError) as error:
        raise DamagedDocumentError(str(error)) from None


def plain(value: Any) -> Any:  # noqa: ANN401 - dataclasses and JSON's plain types
    """Return what parse_json reads back: text that is no UTF-8 as {"base64": TEXT}.

    Raises UnicodeError for text that does not stand for bytes.
    """
    if isinstance(value, str):
        return value if value.isascii() else _text(value)
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    return value


def _text(value: str) -> str | dict[str, str]:
    data = value.encode(errors="surrogateescape")
    try:
        data.decode()
    except UnicodeDecodeError:
        return {"base64": b2a_base64(data, newline=False).decode()}
    return value
