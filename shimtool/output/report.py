"""shimtool.yaml: what was converted, from what, with which shim; the next convert reads it.

Written in YAML's JSON form, which any YAML or JSON reader takes: a thousand guests are read in
milliseconds. Bytes that are no UTF-8 (surrogates in our strings) stand there as {"base64": TEXT}.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from shimtool import __version__
from shimtool.errors import Fault, Location, fault, os_error
from shimtool.model import Compression, KernelFacts, Mode, SourceFile, Wrapping
from shimtool.system.files import MIB, read_named
from shimtool.system.stored_json import parse_json, plain
from shimtool.system.typed import DamagedDocumentError, Sha256, Text, typed

FILE_NAME = "shimtool.yaml"
_LIMIT = 64 * MIB
_LARGEST_FILE = 4 << 30  # bytes; no kernel here is larger
_SMALLEST = 4  # bytes of a payload: its last word may tell its size

# Characters that JSON may hold as they are and YAML 1.1 may not, or takes for the end of a line.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

OptionValue = str | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Input:
    """A file that went into a conversion: dom0's path, ours, and what it held."""

    path: Text
    here: Text
    sha256: Sha256
    stamp: tuple[int, int, int, int]

    @classmethod
    def of(cls, file: SourceFile) -> "Input":
        """Keep what a later run needs to tell whether the file changed."""
        return cls(file.dom0_path, str(file.path), file.sha256, file.stamp)


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a conversion wrote (below --out, or the config itself with --in-place)."""

    path: Text
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Record:
    """One guest's conversion.

    `fingerprint` covers everything that decides the outputs' bytes; `options` are those of the
    command line that were not the default, by name.
    """

    name: Text
    mode: Mode
    shim: Text
    shim_sha256: Sha256
    fingerprint: Sha256
    config: Input
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    warnings: tuple[Text, ...] = ()
    options: Mapping[Text, Text | bool | tuple[Text, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """A guest's record that cannot be read: whose it seems to be, why, and what stands there."""

    name: str
    fault: Fault
    content: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """All conversions in one --out, by guest name, and the kernels of dom0, by SHA-256."""

    guests: Mapping[str, Record] = field(default_factory=dict)
    kernels: Mapping[str, KernelFacts] = field(default_factory=dict)
    damaged: tuple[DamagedRecord, ...] = ()

    def digests(self) -> dict[tuple[int, int, int, int], str]:
        """Hashes by stamp: an unchanged stamp means the file need not be read again."""
        return {
            file.stamp: file.sha256 for record in self.guests.values() for file in record.inputs
        }


@dataclass(frozen=True, slots=True)
class _Document:
    """What the file holds; the guests are looked at one by one."""

    shimtool: Text
    guests: tuple[Any, ...]
    kernels: Mapping[Sha256, Any]


@dataclass(frozen=True, slots=True)
class _Kernel:
    """KernelFacts as they are stored."""

    wrapping: Wrapping
    compression: Compression
    payload: tuple[int, int]
    bits: Literal[32, 64]
    pv: bool
    guest_os: Text | None
    version: Text | None


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
        return _report(typed(parse_json(read_named(path, _LIMIT)), _Document), path)
    except DamagedDocumentError as damage:
        remedy = "move it away and convert again; what --in-place keeps is not in it"
        raise fault("the report is damaged", path, seen=str(damage), remedy=remedy) from None


def _report(document: _Document, path: Path) -> Report:
    guests: dict[str, Record] = {}
    damaged: list[DamagedRecord] = []
    for number, content in enumerate(document.guests):
        try:
            record = typed(content, Record, f"guests[{number}]")
        except DamagedDocumentError as damage:
            damaged.append(_damaged(content, damage, path))
        else:
            guests[record.name] = record
    kernels = {
        digest: _kernel(content, f"kernels[{digest[:16]}...]")
        for digest, content in document.kernels.items()
    }
    return Report(guests, kernels, tuple(damaged))


def _damaged(content: object, damage: DamagedDocumentError, path: Path) -> DamagedRecord:
    found = content.get("name") if isinstance(content, dict) else None
    name = found if isinstance(found, str) else damage.field.partition(".")[0]
    try:
        plain(content)
    except UnicodeError as error:  # then it could not be written again
        raise DamagedDocumentError(str(error), damage.field) from None
    message = f"the record of {name} in the report is damaged: {damage}"
    why = Fault(message, Location(path), remedy=f"convert {name} again")
    return DamagedRecord(name, why, content)


def _kernel(content: object, at: str) -> KernelFacts:
    found = typed(content, _Kernel, at)
    offset, length = found.payload
    if offset < 0 or length < _SMALLEST or offset + length > _LARGEST_FILE:
        raise DamagedDocumentError(
            "it must be the offset and length of a part of a file", f"{at}.payload"
        )
    return KernelFacts(
        wrapping=found.wrapping,
        compression=found.compression,
        payload=found.payload,
        bits=found.bits,
        pv=found.pv,
        guest_os=found.guest_os,
        version=found.version,
    )


def render(report: Report) -> bytes:
    """Return the file's bytes, guests in order of name, damaged records last, as they were."""
    sound = [record for _name, record in sorted(report.guests.items())]
    document = {
        "shimtool": __version__,
        "guests": [*sound, *(each.content for each in report.damaged)],
        "kernels": dict(sorted(report.kernels.items())),
    }
    text = json.dumps(plain(document), ensure_ascii=False, indent=1)
    return (_NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n").encode()


def hashed(*parts: object) -> str:
    """Hash everything that decides the outputs."""
    return hashlib.sha256(repr((__version__, *parts)).encode()).hexdigest()
