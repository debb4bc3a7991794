"""Large JSON documents, read item by item: what is held of an item is its key and its place.

with open_named(path) as source:
    reader = ItemReader(source)
    for key in reader.mapping_keys():           # of the mapping that comes next
        for item in reader.list_items():     # of the list that comes next
"""

import json
import os
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from shimtool.deferred import dataclass, regex
from shimtool.system.files import MIB, changed_error
from shimtool.system.stored_json import parse_json
from shimtool.system.typed import DamagedDocumentError

MOST_BYTES = 4 * MIB  # of one item; who writes items must keep to it
_BLOCK = MIB
_BLANKS = regex("[ \t\r\n]*")
_DECODER = json.JSONDecoder()

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Item:
    """A value as it stands in a file: the offset of its first byte, and its text.

    `found` is what the text holds, where that is clear: it need not be parsed once more.
    """

    offset: int
    text: bytes
    found: Any = None


class ItemReader:
    """Reads a JSON document forwards. Every method raises DamagedDocumentError where it is none.

    Bytes are taken for characters (Latin-1) here: what matters of JSON is ASCII, and places in
    the text are places in the file.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._text, self._at = "", 0
        self._offset = 0  # of the text in the file
        self._ended = False

    def mapping_keys(self) -> Iterator[str]:
        """Yield the keys of a mapping; before the next one, its value must be read."""
        for _ in self._separated("{", "}"):
            key = parse_json(self.value().text)
            if not isinstance(key, str):
                raise self._damage("a key is missing")
            self._take(":")
            yield key

    def list_items(self) -> Iterator[Item]:
        """Yield the values in a list."""
        return (self.value() for _ in self._separated("[", "]"))

    def value(self) -> Item:
        """Read any value."""
        self._next()
        while (ended := self._value()) is None:
            self._read_on()
        found, end = ended
        text = self._text[self._at : end]
        as_it_is = text.isascii() and '"base64"' not in text  # which stands for bytes
        item = Item(self._offset + self._at, text.encode("latin-1"), found if as_it_is else None)
        self._at = end
        return item

    def _value(self) -> tuple[Any, int] | None:
        """Return the value that begins here and its end, None if not in what was read so far."""
        found = None
        try:
            (found, end), why = _DECODER.raw_decode(self._text, self._at), ""
        except json.JSONDecodeError as error:
            end, why = len(self._text), error.msg
        except RecursionError:
            raise self._damage("nested too deep") from None
        if end - self._at > MOST_BYTES:
            raise self._damage(f"larger than {MOST_BYTES // MIB} MiB, or no JSON")
        if end < len(self._text) or (self._ended and not why):
            return found, end
        if self._ended:
            raise self._damage(why)
        return None  # even a whole number may go on

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self._next():
            raise self._damage("more than one document")

    def _separated(self, first: str, last: str) -> Iterator[None]:
        self._take(first)
        if self._next() != last:
            yield
            while self._next() == ",":
                self._take(",")
                yield
        self._take(last)

    def _take(self, char: str) -> None:
        if self._next() != char:
            raise self._damage(f"{char} is missing")
        self._at += 1

    def _next(self) -> str:
        """Return the next character that is no blank, "" at the end."""
        while True:
            found = _BLANKS.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._read_on()

    def _read_on(self) -> None:
        data = self._source.read(_BLOCK)
        self._ended = not data
        self._offset += self._at
        self._text, self._at = self._text[self._at :] + data.decode("latin-1"), 0

    def _damage(self, why: str) -> DamagedDocumentError:
        return DamagedDocumentError(f"{why}, at byte {self._offset + self._at}")


class StoredItems(Mapping[str, Kind]):
    """Items of a file by key, which are read, and become what they stand for, when asked for.

    The file stays open: what replaces it meanwhile changes nothing here. Asking raises
    ShimtoolError when its bytes were changed.
    """

    def __init__(self, source: BinaryIO, path: Path, become: Callable[[object], Kind]) -> None:
        self._descriptor = os.dup(source.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        self._path, self._become = path, become
        self._places: dict[str, int] = {}  # offset << 32 | length: half the memory of a pair

    def add(self, key: str, item: Item) -> None:
        """Know an item; it takes the place of an earlier one."""
        self._places[key] = item.offset << 32 | len(item.text)

    def text(self, key: str) -> bytes:
        """Return an item as it stands in the file."""
        place = self._places[key]
        return os.pread(self._descriptor, place & 0xFFFFFFFF, place >> 32)

    def __getitem__(self, key: str) -> Kind:
        text = self.text(key)
        try:
            return self._become(parse_json(text))
        except DamagedDocumentError:
            raise changed_error(self._path) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places


class Updated(Mapping[str, Kind]):
    """The items of a mapping, some of them replaced or added."""

    def __init__(self, before: Mapping[str, Kind], new: Mapping[str, Kind]) -> None:
        self.before, self.new = before, new

    def __getitem__(self, key: str) -> Kind:
        return self.new[key] if key in self.new else self.before[key]

    def __iter__(self) -> Iterator[str]:
        yield from self.before
        yield from (key for key in self.new if key not in self.before)

    def __len__(self) -> int:
        return sum(1 for _ in self)
