"""Strict reading of small YAML files: a list of mappings with known, checked keys.

To load PyYAML takes 15 ms, a sixth of what a command may take to start. So what programs write is
read without it: lines of "- " and a mapping in JSON's form, which is YAML, too; and for each file
of this package there is one of the same rows in JSON beside it, made by `make rows`.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from shimtool.errors import Fault, Location, ShimtoolError, fault, raise_all
from shimtool.system.files import MIB, read_named
from shimtool.system.typed import DamagedDocumentError, Keys, is_required, keys_of, must, typed

if TYPE_CHECKING:
    import yaml

Kind = TypeVar("Kind")
Rows = list[tuple[Any, int]]  # what each row holds, and its line


def read_rows(path: Path, kind: type[Kind], *, own: bool = False) -> list[Kind]:
    """Return the rows of a YAML file that holds a list of mappings; an empty or no file has none.

    `own`: a file of this package.
    Raises ShimtoolError with all faults of all rows, each with its line.
    """
    rows = _rows(path, own=own) if path.exists() else []
    known, faults = keys_of(kind), list[Fault]()
    read = [_values(row, known, Location(path, line), faults) for row, line in rows]
    raise_all(faults)
    return [kind(**values) for values in read]


def _rows(path: Path, *, own: bool) -> Rows:
    data = read_named(path, MIB)
    rows = _compiled(path, data) if own else _lines_of_json(data)
    return list(_of_yaml(path, data)) if rows is None else rows


def write_rows(rows: Iterable[object]) -> bytes:
    """Return a YAML list that is read fast, a row on each line."""
    return b"".join(b"- %s\n" % json.dumps(row).encode() for row in rows)


def _lines_of_json(data: bytes) -> Rows | None:
    """Read what write_rows wrote, comments between; None for all else."""
    rows = []
    try:
        for number, line in enumerate(data.decode("ascii").split("\n"), 1):
            if line.startswith("- {"):
                rows.append((json.loads(line[2:]), number))
            elif line and not line.startswith("#"):
                return None
    except (ValueError, RecursionError):
        return None
    return rows or None


def compiled_file(path: Path) -> Path:
    """Return where the rows of a file of this package are in JSON."""
    return path.with_suffix(".json")


def compile_rows(path: Path) -> bytes:
    """Return what is to stand there: the rows, and of which file they are."""
    data = path.read_bytes()
    rows = list(_of_yaml(path, data))
    return json.dumps({"crc32": zlib.crc32(data), "rows": rows}, indent=1).encode() + b"\n"


def _compiled(path: Path, data: bytes) -> Rows | None:
    """Return the rows from JSON; None where that is not of this very file."""
    try:
        found = json.loads(compiled_file(path).read_bytes())
    except FileNotFoundError:
        return None
    return found["rows"] if found["crc32"] == zlib.crc32(data) else None


def _of_yaml(path: Path, data: bytes) -> Iterator[tuple[Any, int]]:
    """Yield what a YAML list holds, and at which line.

    libyaml is not used: it ends the program on a megabyte of "[" (PyYAML 6.0.3).
    """
    import yaml  # noqa: PLC0415 - as is said above

    try:
        loader = yaml.SafeLoader(data)
        node = loader.get_single_node()
        rows = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _not_yaml(path, error) from None
    if rows is None:
        return
    if not isinstance(rows, list):
        raise fault("this must be a YAML list", path, 1, seen=repr(rows)[:80])
    for row, item in zip(rows, cast("yaml.SequenceNode", node).value, strict=True):
        yield row, item.start_mark.line + 1


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
