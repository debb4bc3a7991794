"""Strict reading of our small YAML files: a list of mappings with known, checked keys."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from shimtool.errors import Fault, Where, fault, raise_all
from shimtool.shims.files import MIB, read_regular

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
Check = Callable[[object], str | None]  # what is wrong with a value, or None
Row = dict[str, Any]  # its values have passed their checks
Nodes = Sequence[yaml.Node]


@dataclass(frozen=True, slots=True)
class Field:
    """A key of a mapping: the check of its value, and whether the key must be there."""

    check: Check
    required: bool = True


def read_list(path: Path, fields: Mapping[str, Field]) -> list[Row]:
    """Return the rows of a YAML file that holds a list of mappings; an empty file has none.

    Raises ShimtoolError with all faults of all rows, each with its line.
    """
    rows, nodes = _parse(path)
    faults: list[Fault] = []
    for row, node in zip(rows, nodes, strict=True):
        where = Where(path, node.start_mark.line + 1)
        if isinstance(row, dict):
            faults += _check_row(cast("dict[object, object]", row), fields, where)
        else:
            faults.append(Fault("each entry must be a mapping", where, seen=repr(row)[:80]))
    raise_all(faults)
    return cast("list[Row]", rows)


def _parse(path: Path) -> tuple[list[object], Nodes]:
    data = read_regular(path, MIB)
    try:
        node = yaml.compose(data, Loader=yaml.SafeLoader)
        rows = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or type(error).__name__
        line = mark.line + 1 if mark else None
        raise fault(f"not sound YAML: {problem}", path, line, remedy="mend the line") from None
    if node is None or rows is None:
        return [], ()
    if not isinstance(rows, list):
        raise fault("this must be a YAML list", path, 1, seen=repr(rows)[:80])
    return rows, cast("Nodes", node.value)


def _check_row(
    row: Mapping[object, object], fields: Mapping[str, Field], where: Where
) -> list[Fault]:
    faults = [
        Fault(f"missing key {key!r}", where)
        for key, field in fields.items()
        if field.required and key not in row
    ]
    for key, value in row.items():
        if not isinstance(key, str) or key not in fields:
            known = ", ".join(fields)
            faults.append(Fault(f"unknown key {str(key)[:80]!r}", where, remedy=f"keys: {known}"))
        elif wrong := fields[key].check(value):
            faults.append(Fault(f"{key}: {wrong}", where, seen=repr(value)[:80]))
    return faults


def text(value: object) -> str | None:
    """Accept a printable, non-empty string."""
    if isinstance(value, str) and value.isprintable() and value:
        return None
    return "must be a text; put numbers in quotes"


def safe_name(value: object) -> str | None:
    """Accept a string that is a safe file name and a safe word of a command line."""
    if isinstance(value, str) and NAME.fullmatch(value):
        return None
    return "must begin with a letter or digit, then letters, digits, '.', '_', '+', '-', at most 64"


def number(value: object) -> str | None:
    """Accept a positive whole number."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return None
    return "must be a positive whole number"


def boolean(value: object) -> str | None:
    """Accept true or false."""
    return None if isinstance(value, bool) else "must be true or false"


def hex_digits(length: int) -> Check:
    """Return a check for a string of `length` lower-case hexadecimal digits."""

    def check(value: object) -> str | None:
        if isinstance(value, str) and re.fullmatch(f"[0-9a-f]{{{length}}}", value):
            return None
        return f"must be {length} lower-case hexadecimal digits, in quotes"

    return check


def one_of(*words: str) -> Check:
    """Return a check for one of some words."""

    def check(value: object) -> str | None:
        return None if value in words else f"must be one of: {', '.join(words)}"

    return check


def optional(inner: Check) -> Check:
    """Return a check that also accepts null."""
    return lambda value: None if value is None else inner(value)


def list_of(inner: Check) -> Check:
    """Return a check for a non-empty list whose items pass `inner`."""

    def check(value: object) -> str | None:
        if not isinstance(value, list) or not value:
            return "must be a list with at least one item"
        return next((wrong for item in value if (wrong := inner(item))), None)

    return check
