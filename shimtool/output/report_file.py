"""shimtool.yaml as a file: the next convert, and status, read it.

Written in YAML's JSON form, which any YAML or JSON reader takes. Bytes that are no UTF-8
(surrogates in our strings) stand there as {"base64": TEXT}. A hundred thousand guests take 200 MB
of disk and less of memory: records are read when needed, and written again as they stand there.
"""

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from shimtool import __version__
from shimtool.deferred import regex
from shimtool.errors import Fault, Location, fault, os_error, os_errors_as_faults
from shimtool.model import KernelFacts
from shimtool.output.report import FILE_NAME, DamagedRecord, Record, Report
from shimtool.system.files import MIB, Stamp, open_named
from shimtool.system.staging import Staging
from shimtool.system.stored_items import MOST_BYTES, Item, ItemReader, StoredItems, Updated
from shimtool.system.stored_json import parse_json, plain
from shimtool.system.typed import DamagedDocumentError, Sha256, Text, typed

_LARGEST_FILE = 4 << 30  # bytes; no kernel here is larger
_SMALLEST = 4  # bytes of a payload: its last word may tell its size

# Characters that JSON may hold as they are and YAML 1.1 may not, or takes for the end of a line.
_NOT_YAML = regex("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

_END = b"\n}\n"
_JSON = json.JSONEncoder(ensure_ascii=False).encode

# --- reading ------------------------------------------------------------------------------------


def load(folder: Path) -> Report:
    """Read FOLDER/shimtool.yaml; an empty report when there is none.

    A record that is damaged harms no other guest's. Raises ShimtoolError, naming the field, when
    the file cannot be read, or is damaged as a whole.
    """
    path = folder / FILE_NAME
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return Report()
    except OSError as error:
        raise os_error(error, "read", path) from None
    try:
        if not size:
            raise DamagedDocumentError("it is empty")
        with os_errors_as_faults("read", path), open_named(path) as source:
            return _Loading(source, path).report()
    except DamagedDocumentError as damage:
        remedy = "move it away and convert again; what --in-place keeps is not in it"
        raise fault("the report is damaged", path, seen=str(damage), remedy=remedy) from None


class _Loading:
    """Goes through a report once, and checks every record of it."""

    def __init__(self, source: BinaryIO, path: Path) -> None:
        self._sound = _is_as_written(source)
        self._reader, self._path = ItemReader(source), path
        self._guests = StoredItems(source, path, lambda content: typed(content, Record))
        self._kernels = StoredItems(source, path, _kernel)
        self._damaged: list[DamagedRecord] = []
        self._digests: dict[Stamp, str] = {}
        self._names: dict[str, str] = {}

    def report(self) -> Report:
        """Read it all. Raises DamagedDocumentError for what is no report."""
        fields = {"shimtool": self._version, "guests": self._read_guests,
                  "kernels": self._read_kernels, "crc32": self._reader.value}  # fmt: skip
        for key in self._reader.mapping_keys():
            if key not in fields:
                raise DamagedDocumentError("there is no such field, or it is there twice", key[:80])
            try:
                fields.pop(key)()
            except DamagedDocumentError as damage:
                raise damage.inside(key) from None
        self._reader.end()
        fields.pop("crc32", None)  # older ones have none, and who edits it may leave it out
        if fields:
            raise DamagedDocumentError("it is missing", min(fields))
        return Report(self._guests, self._kernels, tuple(self._damaged), self._digests, self._names)

    def _version(self) -> None:
        typed(parse_json(self._reader.value().text), cast("Any", Text))

    def _read_guests(self) -> None:
        for number, item in enumerate(self._reader.list_items()):
            if self._sound and self._take_sound(item.found, item):
                continue
            content, at = None, f"guests[{number}]"
            try:
                content = _parsed(item, at)
                record = typed(content, Record, at)
            except DamagedDocumentError as damage:
                named = content.get("name") if isinstance(content, dict) else None
                name = named if isinstance(named, str) else at
                why = f"the record of {name} in the report is damaged: {damage}"
                self._tell(name, why, f"convert {name} again", item.text)
            else:
                self._take(record, item)

    def _take(self, record: Record, item: Item) -> None:
        if (name := record.name) in self._guests:
            why = f"the report holds two records of {name}, and the last one counts"
            self._tell(name, why, f"convert {name} again", self._guests.text(name))
        self._guests.add(name, item)
        self._digests.update((each.stamp, each.sha256) for each in record.inputs)
        self._names[record.config.here] = name

    def _take_sound(self, found: Any, item: Item) -> bool:  # noqa: ANN401 - what JSON holds
        """Take a record as it was written: it was checked then, and is again where it is used.

        Return whether it looks like one: anybody can work out a checksum.
        """
        try:
            name, here = found["name"], found["config"]["here"]
            digests = {tuple(each["stamp"]): each["sha256"] for each in found["inputs"]}
        except (KeyError, TypeError):
            return False
        if not isinstance(name, str) or not isinstance(here, str) or name in self._guests:
            return False
        self._guests.add(name, item)
        self._digests.update(digests)
        self._names[here] = name
        return True

    def _read_kernels(self) -> None:
        for digest in self._reader.mapping_keys():
            item, at = self._reader.value(), f"kernels[{digest[:16]}...]"
            try:
                typed(digest, cast("Any", Sha256), at)
                _kernel(_parsed(item, at), at)
            except DamagedDocumentError as damage:
                why = f"what the report knows of a kernel is damaged: {damage}"
                self._tell(at, why, "convert any guest: it is found anew where it is needed")
            else:
                self._kernels.add(digest, item)

    def _tell(self, name: str, why: str, remedy: str, content: bytes = b"") -> None:
        told = Fault(why, Location(self._path), remedy=remedy)
        self._damaged.append(DamagedRecord(name, told, content))


def _is_as_written(source: BinaryIO) -> bool:
    """Whether the file ends with the checksum of all before: then each record was checked once."""
    source.seek(0, os.SEEK_END)
    size = source.tell()
    source.seek(max(0, size - _CHECK_SIZE))
    last = source.read(_CHECK_SIZE)
    source.seek(0)
    if not last.startswith(_CHECK_START):
        return False  # whatever it is, and however large
    checked, left = 0, size - _CHECK_SIZE
    while left > 0 and (data := source.read(min(left, MIB))):
        checked, left = zlib.crc32(data, checked), left - len(data)
    source.seek(0)
    return last == _check(checked)


def _check(crc32: int) -> bytes:
    """Return a report's last line, of which all have one length."""
    return b"%s%-10d\n}\n" % (_CHECK_START, crc32)


_CHECK_START = b',\n "crc32": '
_CHECK_SIZE = len(_check(0))


def _parsed(item: Item, at: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        return parse_json(item.text)
    except DamagedDocumentError as damage:
        raise damage.inside(at) from None


def _kernel(content: object, at: str = "") -> KernelFacts:
    found = typed(content, KernelFacts, at)
    offset, length = found.payload
    if offset < 0 or length < _SMALLEST or offset + length > _LARGEST_FILE:
        raise DamagedDocumentError(
            "it must be the offset and length of a part of a file", f"{at}.payload"
        )
    for name in ("guest_os", "version"):
        typed(getattr(found, name), cast("Any", Text | None), f"{at}.{name}")
    return found


# --- writing ------------------------------------------------------------------------------------


def write(report: Report, folder: Path) -> None:
    """Replace FOLDER/shimtool.yaml."""
    with Staging() as staging:
        parts = render(report)
        sound = not any(each.content for each in report.damaged)  # else all are checked again
        staging.open(folder / FILE_NAME).writelines(_checked(parts) if sound else parts)


def _checked(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Put the checksum of all before in place of the end."""
    crc32 = 0
    for part in parts:
        if part == _END:
            yield _check(crc32)
        else:
            crc32 = zlib.crc32(part, crc32)
            yield part


def render(report: Report) -> Iterator[bytes]:
    """Yield the file's bytes, guests in order of name, damaged records last, as they were."""
    sound = (_text(report.guests, name) for name in sorted(report.guests))
    damaged = (each.content for each in report.damaged if each.content)
    kernels = (b'"%s": %s' % (digest.encode(), _text(report.kernels, digest))
               for digest in sorted(report.kernels))  # fmt: skip
    yield b'{\n "shimtool": %s,\n "guests": ' % _encoded(__version__)
    yield from _separated(b"[", chain(sound, damaged), b"]")
    yield b',\n "kernels": '
    yield from _separated(b"{", kernels, b"}")
    yield _END


def _separated(first: bytes, items: Iterator[bytes], last: bytes) -> Iterator[bytes]:
    yield first
    start = b"\n  "
    for item in items:
        yield start + item
        start = b",\n  "
    yield last if start == b"\n  " else b"\n " + last


def _text(items: Mapping[str, Any], key: str) -> bytes:
    """Return an item as it stands in a file, or is to stand there."""
    if isinstance(items, Updated):
        return _text(items.new if key in items.new else items.before, key)
    if isinstance(items, StoredItems):
        return items.text(key)
    item = items[key]
    return item if isinstance(item, bytes) else _encoded(item)


def _encoded(value: object) -> bytes:
    """Return a value in JSON: a mapping has a line for each key."""
    found = plain(value)
    text = _JSON(found)  # indent= would take ten times as long
    if isinstance(found, dict):
        fields = (f"{_JSON(key)}: {_JSON(each)}" for key, each in found.items())
        text = "{\n   " + ",\n   ".join(fields) + "\n  }"
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def encoded(record: Record, path: Path) -> bytes:
    """Return a record as it is to stand in the report `path`.

    Raises ShimtoolError when it is too large to be read again.
    """
    text = _encoded(record)
    if (size := len(text)) > MOST_BYTES:
        raise fault(
            f"what the report would have to say of {record.name} is too large: {size} bytes",
            path,
            remedy="give fewer, or shorter, options and paths",
        )
    return text
