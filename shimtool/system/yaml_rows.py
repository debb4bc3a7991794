"""Strict reading of our small YAML files: a list of mappings with known, checked keys."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

from shimtool.errors import Fault, Location, fault, raise_all
from shimtool.system.files import MIB, read_named

Row = dict[str, Any]  # its values have passed their checks


@dataclass(frozen=True, slots=True)
class Field:
    """A key: what its value `must` do, in words and as a check; whether it has to be there."""

    must: str
    valid: Callable[[Any], bool]
    required: bool = True


def pattern(regex: str, must: str, *, null: bool = False, required: bool = True) -> Field:
    """Return a field for strings that match as a whole; for null too, if `null`."""
    whole = re.compile(regex)

    def valid(value: object) -> bool:
        return (null and value is None) or (
            isinstance(value, str) and whole.fullmatch(value) is not None and value.isprintable()
        )

    return Field(must, valid, required)


def digits(length: int, *, null: bool = False, required: bool = True) -> Field:
    """Return a field for `length` lower-case hexadecimal digits."""
    must = f"be {length} lower-case hexadecimal digits, in quotes"
    return pattern(f"[0-9a-f]{{{length}}}", must, null=null, required=required)


# Both a safe file name and a safe word of a command line.
NAME = pattern(
    r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}",
    "begin with a letter or digit, then letters, digits, '.', '_', '+', '-', at most 64",
)
TEXT = pattern(".+", "be a text; put numbers in quotes")


def read_list(path: Path, fields: Mapping[str, Field], *, own: bool = False) -> list[Row]:
    """Return the rows of a YAML file that holds a list of mappings; an empty or no file has none.

    `own`: a file of this package, which libyaml may read. It is 10 times faster, but ends the
    program on a megabyte of "[" (PyYAML 6.0.3), so others' files are read without it.
    Raises ShimtoolError with all faults of all rows, each with its line.
    """
    if not path.exists():
        return []
    data = read_named(path, MIB)
    try:
        loader = (getattr(yaml, "CSafeLoader", yaml.SafeLoader) if own else yaml.SafeLoader)(data)
        node = loader.get_single_node()
        rows = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or type(error).__name__
        line = mark.line + 1 if mark else None
        raise fault(f"not sound YAML: {problem}", path, line, remedy="mend the line") from None
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise fault("this must be a YAML list", path, 1, seen=repr(rows)[:80])
    lines = [item.start_mark.line + 1 for item in cast("yaml.SequenceNode", node).value]
    raise_all(
        wrong
        for row, line in zip(rows, lines, strict=True)
        for wrong in _faults(row, fields, Location(path, line))
    )
    return rows


def _faults(row: object, fields: Mapping[str, Field], where: Location) -> list[Fault]:
    if not isinstance(row, dict):
        return [Fault("each entry must be a mapping", where, seen=repr(row)[:80])]
    known = f"keys: {', '.join(fields)}"
    missing = [key for key, field in fields.items() if field.required and key not in row]
    strange = [str(key)[:80] for key in row if key not in fields]
    wrong = [key for key in fields if key in row and not fields[key].valid(row[key])]
    return [
        *(
            Fault(f"missing key {key!r}", where, remedy=f"add it; it must {fields[key].must}")
            for key in missing
        ),
        *(Fault(f"unknown key {key!r}", where, remedy=known) for key in strange),
        *(Fault(f"{k}: must {fields[k].must}", where, seen=repr(row[k])[:80]) for k in wrong),
    ]
