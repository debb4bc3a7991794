"""Strict reading of small YAML files: a list of mappings with known, checked keys."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml

from shimtool.errors import Fault, Location, ShimtoolError, fault, raise_all
from shimtool.system.files import MIB, read_named
from shimtool.system.typed import Keys, fits, is_required, keys_of, must, typed

Kind = TypeVar("Kind")


def read_rows(path: Path, kind: type[Kind], *, own: bool = False) -> list[Kind]:
    """Return the rows of a YAML file that holds a list of mappings; an empty or no file has none.

    `own`: a file of this package, which libyaml may read. It is 10 times faster, but ends the
    program on a megabyte of "[" (PyYAML 6.0.3), so others' files are read without it.
    Raises ShimtoolError with all faults of all rows, each with its line.
    """
    rows = list(_rows(path, own=own)) if path.exists() else []
    known = keys_of(kind)
    raise_all(wrong for row, where in rows for wrong in _faults(row, known, where))
    return [typed(row, kind) for row, _where in rows]


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


def _faults(row: object, known: Keys, where: Location) -> Iterator[Fault]:
    if not isinstance(row, dict):
        yield Fault("each entry must be a mapping", where, seen=repr(row)[:80])
        return
    for key, (field, hint) in known.items():
        if key not in row and is_required(field):
            yield Fault(f"missing key {key!r}", where, remedy=f"add it; it must {must(hint)}")
    for key in row:
        if key not in known:
            remedy = f"keys: {', '.join(known)}"
            yield Fault(f"unknown key {str(key)[:80]!r}", where, remedy=remedy)
    for key, (_field, hint) in known.items():
        if key in row and not (fits(row[key], hint) and _is_printable(row[key])):
            yield Fault(f"{key}: must {must(hint)}", where, seen=repr(row[key])[:80])


def _is_printable(value: object) -> bool:
    """Whether all texts of a value are fit for a line of a terminal."""
    if isinstance(value, dict):
        return all(_is_printable(key) and _is_printable(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(_is_printable, value))
    return value.isprintable() if isinstance(value, str) else True
