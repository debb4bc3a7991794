"""A guest config of xl, parsed without losing a byte, and its values as libxlu gives them."""

import os
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from types import MappingProxyType

from shimtool.configs.xl.grammar import Assignment, Items, Parser, Value
from shimtool.configs.xl.lexer import CRLF, Problem
from shimtool.configs.xl.numbers import strtol
from shimtool.deferred import dataclass
from shimtool.errors import Fault, Location, ShimtoolError, fault, os_error, raise_all
from shimtool.model import ConfigString
from shimtool.system.activity import note

LIMIT = 1 << 20  # bytes; a config is a page or two
_MOST_FAULTS = 50  # what an admin may want to see at once
_RIGHT = "check that it is the right file, and that it can be read"


@dataclass(frozen=True, slots=True)
class Document:
    """A config file: its bytes, and its assignments in order.

    The value accessors work as libxlu's xlu_cfg_get_* (Xen 4.17): the last assignment wins, and
    `+=` (from Xen 4.14 on) adds text to text, items to items. They return None for a key that is
    not set, and raise ShimtoolError where libxlu would warn and leave the key out.
    `end` is the byte offset where xl stops reading: all, or all but an overlooked last byte.
    """

    path: Path
    data: bytes
    assignments: tuple[Assignment, ...]
    end: int
    _settings: Mapping[str, Sequence[Assignment]] = field(repr=False)

    def keys(self) -> Mapping[str, int]:
        """Return every key that is set, with the 1-based line of its last assignment."""
        return MappingProxyType({key: chain[-1].line for key, chain in self._settings.items()})

    def without(self, keys: Collection[str]) -> "Document":
        """Return the same as if these keys were not set."""
        kept = {key: chain for key, chain in self._settings.items() if key not in keys}
        return replace(self, _settings=MappingProxyType(kept))

    def value(self, key: str) -> Value | None:
        """Return the effective value of `key`, on the line of its last assignment."""
        chain = self._settings.get(key)
        if not chain:
            return None
        values = [assignment.value for assignment in chain]
        if len(values) == 1:
            return values[0]
        line = values[-1].line
        if isinstance(values[0], Items):
            lists = (value for value in values if isinstance(value, Items))
            return Items(tuple(item for value in lists for item in value.items), line)
        return ConfigString(
            "".join(value.text for value in values if isinstance(value, ConfigString)), line
        )

    def string(self, key: str) -> ConfigString | None:
        """Return a single value, be it written as a string or as a number."""
        value = self.value(key)
        if isinstance(value, Items):
            remedy = "take the brackets away: one value"
            raise self.fault(
                value.line, f"{key} is a list but should be a single value", None, remedy
            )
        return value

    @property
    def added(self) -> frozenset[str]:
        """The keys whose last assignment is a +=."""
        added = (key for key, chain in self._settings.items() if chain[-1].operator == "+=")
        return frozenset(added)

    def integer(self, key: str) -> int | None:
        """Return a number, which may be quoted and in C's octal or hexadecimal notation."""
        value = self.string(key)
        if value is None:
            return None
        if key in self.added:
            raise self.fault(value.line, f"+= does not work with numbers such as {key}")
        number = strtol(value.text)
        if number is None:
            remedy = "write a whole number, without a unit"
            message = f"{key} is not a number that xl can read"
            raise self.fault(value.line, message, value.text, remedy)
        return number

    def strings(self, key: str) -> tuple[ConfigString, ...] | None:
        """Return a list of strings; a single value is no list."""
        value = self.value(key)
        if value is None:
            return None
        if isinstance(value, ConfigString):
            raise self.fault(
                value.line,
                f"{key} is a single value but should be a list",
                value.text,
                "put brackets around it: [ ... ]",
            )
        raise_all(
            Fault(f"item {number} of {key} is a list, not a string", Location(self.path, item.line))
            for number, item in enumerate(value.items, 1)
            if isinstance(item, Items)
        )
        return tuple(item for item in value.items if isinstance(item, ConfigString))

    def fault(
        self, line: int, message: str, seen: str | None = None, remedy: str | None = None
    ) -> ShimtoolError:
        """Build an error about this file."""
        return fault(message, self.path, line, seen=seen, remedy=remedy)


def read_config(path: Path) -> bytes:
    """Return a config file's bytes; ShimtoolError when it is no plain, readable, small file."""
    try:
        return _read(path)
    except OSError as error:
        raise os_error(error, "read the config", path, _RIGHT) from None


def parse(data: bytes, path: Path) -> Document:
    """Parse the content of a config; `path` is what errors name.

    Raises ShimtoolError with all syntax errors, as libxlu of Xen 4.17 knows them, and for more
    than 1 MiB.
    """
    if len(data) > LIMIT:
        raise _too_big(path, len(data))
    parser = Parser(data)
    settings, clashes = _settings(parser.assignments)
    raise_all(_faults([*parser.problems, *clashes], data, path))
    return Document(path, data, tuple(parser.assignments), parser.end, MappingProxyType(settings))


def _read(path: Path) -> bytes:
    note("read", path)
    if not stat.S_ISREG(path.stat().st_mode):
        raise fault("a config must be a plain file", path, remedy=_RIGHT)
    # O_NONBLOCK: should a FIFO have taken its place meanwhile, do not wait for a writer.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise fault("a config must be a plain file", path, remedy=_RIGHT)
        data = file.read(LIMIT + 1)
    if len(data) > LIMIT:
        raise _too_big(path, max(status.st_size, len(data)))
    return data


def _too_big(path: Path, size: int) -> ShimtoolError:
    message = f"too big for a guest config: {size} bytes, the limit is {LIMIT}"
    return fault(message, path, remedy=_RIGHT)


def _settings(
    assignments: Iterable[Assignment],
) -> tuple[dict[str, list[Assignment]], list[Problem]]:
    """Group what makes up each key's value, from its last `=` on; and find impossible `+=`."""
    settings: dict[str, list[Assignment]] = {}
    clashes = []
    for assignment in assignments:
        chain = settings.get(assignment.key)
        if assignment.operator == "=" or chain is None:
            settings[assignment.key] = [assignment]
        elif isinstance(chain[0].value, Items) == isinstance(assignment.value, Items):
            chain.append(assignment)
        else:
            text = f"cannot add a list to a string or a string to a list: {assignment.key}"
            clashes.append(Problem(assignment.line, text, "use = instead of +="))
    return settings, clashes


def _faults(problems: Iterable[Problem], data: bytes, path: Path) -> list[Fault]:
    """Return one fault a line, the first of many; just one where the whole file is foreign."""
    first: dict[int, Problem] = {}
    for problem in sorted(problems, key=lambda problem: problem.line):
        first.setdefault(problem.line, problem)
    if first and b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        return [Fault("not a text file: it holds NUL bytes", Location(path, line), remedy=_RIGHT)]
    crlf = [line for line, problem in first.items() if problem.message == CRLF]
    for line in crlf[1:]:
        del first[line]
    shown = list(first.values())[:_MOST_FAULTS]
    faults = [Fault(each.message, Location(path, each.line), None, each.remedy) for each in shown]
    if len(first) > len(shown):
        more = f"{len(first) - len(shown)} or more further lines have errors"
        faults.append(Fault(more, Location(path)))
    return faults
