"""Strict reading of small YAML files: a list of mappings with known, checked keys."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

from shimtool.errors import Fault, Location, ShimtoolError, fault, raise_all
from shimtool.system.files import MIB, read_named
from shimtool.system.typed import DamagedDocumentError, Keys, is_required, keys_of, must, typed

Kind = TypeVar("Kind")


def read_rows(path: Path, kind: type[Kind], *, own: bool = False) -> list[Kind]:
    """Return the rows of a YAML file that holds a list of mappings; an empty or no file has none.

    `own`: a file of this package, which libyaml may read. It is 10 times faster, but ends the
    program on a megabyte of "[" (PyYAML 6.0.3), so others' files are read without it.
    Raises ShimtoolError with all faults of all rows, each with its line.
    """
    rows = _rows(path, own=own) if path.exists() else ()
    known, faults = keys_of(kind), list[Fault]()
    read = [_values(row, known, where, faults) for row, where in rows]
    raise_all(faults)
    return [kind(**values) for values in read]


def _rows(path: Path, *, own: bool) -> Iterator[tuple[Any, Location]]:
    """Yield what a YAML list holds, and where."""
    data = read_named(path, MIB)
    try:
        loader = (getattr(yaml, "CSafeLoader", yaml.SafeLoader) if own else yaml.SafeLoader)(data)
        node = loader.get_single_node()
        rows = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(path, error) from None
    if rows is None:
        return
    if not isinstance(rows, list):
        raise fault("this must be a YAML list", path, 1, seen=repr(rows)[:80])
    for row, item in zip(rows, cast("yaml.SequenceNode", node).value, strict=True):
        yield row, Location(path, item.start_mark.line + 1)


def _not_yaml(path: Path, error: Exception) -> ShimtoolError:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or type(error).__name__
    line = mark.line + 1 if mark else None
    return fault(f"not sound YAML: {problem}", path, line, remedy="mend the line")


def _values(row: object, known: Keys, where: Location, faults: list[Fault]) -> dict[str, Any]:
    """Return a row's values by the names of their fields; add what is wrong to `faults`."""
    if not isinstance(row, dict):
        faults.append(Fault("each entry must be a mapping", where, seen=repr(row)[:80]))
        return {}
    for key, (field, hint) in known.items():
        if key not in row and is_required(field):
            remedy = f"add it; it must {must(hint)}"
            faults.append(Fault(f"missing key {key!r}", where, remedy=remedy))
    for key in row:
        if key not in known:
            remedy = f"keys: {', '.join(known)}"
            faults.append(Fault(f"unknown key {str(key)[:80]!r}", where, remedy=remedy))
    values = {}
    for key, (field, hint) in known.items():
        if key in row:
            try:
                values[field.name] = _value(row[key], hint)
            except DamagedDocumentError:
                seen = repr(row[key])[:80]
                faults.append(Fault(f"{key}: must {must(hint)}", where, seen=seen))
    return values


def _value(value: object, hint: Any) -> Any:  # noqa: ANN401 - a type, and what it makes of a value
    if not _is_printable(value):
        raise DamagedDocumentError("not fit for a line of a terminal")
    return typed(value, hint)


def _is_printable(value: object) -> bool:
    """Whether all texts of a value are fit for a line of a terminal."""
    if isinstance(value, dict):
        return all(_is_printable(key) and _is_printable(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(_is_printable, value))
    return value.isprintable() if isinstance(value, str) else True
