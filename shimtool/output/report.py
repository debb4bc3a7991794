"""shimtool.yaml: what was converted, from what, with which shim; the next convert reads it.

Written in YAML's JSON form, which any YAML or JSON reader takes: a thousand guests are read in
milliseconds. Bytes that are no UTF-8 (surrogates in our strings) stand there as {"base64": TEXT}.
"""

import base64
import hashlib
import json
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NoReturn, TypeVar

from shimtool import __version__
from shimtool.errors import ShimtoolError, fault, os_error
from shimtool.model import Compression, KernelFacts, Mode, SourceFile, Wrapping
from shimtool.system.files import MIB, read_named

FILE_NAME = "shimtool.yaml"
_LIMIT = 64 * MIB
_LARGEST_FILE = 4 << 30  # bytes; no kernel here is larger
_SMALLEST = 4  # bytes of a payload: its last word may tell its size

# Characters that JSON may hold as they are and YAML 1.1 may not, or takes for the end of a line.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

Got = TypeVar("Got")

OptionValue = str | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Input:
    """A file that went into a conversion: dom0's path, ours, and what it held."""

    path: str
    here: str
    sha256: str
    stamp: tuple[int, int, int, int]

    @classmethod
    def of(cls, file: SourceFile) -> "Input":
        """Keep what a later run needs to tell whether the file changed."""
        return cls(file.dom0_path, str(file.path), file.sha256, file.stamp)


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a conversion wrote (below --out, or the config itself with --in-place)."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Record:
    """One guest's conversion.

    `fingerprint` covers everything that decides the outputs' bytes; `options` are those of the
    command line that were not the default, by name.
    """

    name: str
    mode: str
    shim: str
    shim_sha256: str
    fingerprint: str
    config: Input
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    warnings: tuple[str, ...] = ()
    options: Mapping[str, OptionValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All conversions in one --out, by guest name, and the kernels seen, by SHA-256."""

    guests: Mapping[str, Record] = field(default_factory=dict)
    kernels: Mapping[str, KernelFacts] = field(default_factory=dict)

    def digests(self) -> dict[tuple[int, int, int, int], str]:
        """Hashes by stamp: an unchanged stamp means the file need not be read again."""
        return {
            file.stamp: file.sha256 for record in self.guests.values() for file in record.inputs
        }


def load(folder: Path) -> Report:
    """Read FOLDER/shimtool.yaml; an empty report when there is none.

    Raises ShimtoolError when it cannot be read or is damaged.
    """
    path = folder / FILE_NAME
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return Report()
    except OSError as error:
        raise os_error(error, "read", path) from None
    if not size:
        raise _damaged(path, "it is empty")
    try:
        return _report(
            json.loads(read_named(path, _LIMIT), parse_float=_no_number, parse_constant=_no_number)
        )
    except (ValueError, RecursionError) as bad:
        raise _damaged(path, str(bad)) from None


def _no_number(text: str) -> NoReturn:
    raise _wrong("a whole number is missing", text)


def _damaged(path: Path, why: str) -> ShimtoolError:
    remedy = "move it away and convert again; what --in-place keeps is not in it"
    return fault("the report is damaged", path, seen=why, remedy=remedy)


def render(report: Report) -> bytes:
    """Return the file's bytes, guests in order of name."""
    document = {
        "shimtool": __version__,
        "guests": [_plain(asdict(record)) for _name, record in sorted(report.guests.items())],
        "kernels": {
            digest: _plain(asdict(facts)) for digest, facts in sorted(report.kernels.items())
        },
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    return (_NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n").encode()


def hashed(*parts: object) -> str:
    """Hash everything that decides the outputs."""
    return hashlib.sha256(repr((__version__, *parts)).encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON's plain types
    """Tuples become lists, enums words, and strings that are no UTF-8 say so."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    if not isinstance(value, str):
        return value
    data = value.encode(errors="surrogateescape")
    return str(value) if _is_utf8(data) else {"base64": base64.b64encode(data).decode()}


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


# --- reading: everything is checked, as the file may be damaged; ValueError says what is wrong ---


def _report(document: object) -> Report:
    top = _mapping(document, "shimtool", "guests", "kernels")
    records = _all(top["guests"], _record)
    kernels = top["kernels"]
    if not isinstance(kernels, dict):
        raise _wrong("kernels must be a mapping", kernels)
    return Report(
        {record.name: record for record in records},
        {_digest(digest): _kernel(facts) for digest, facts in kernels.items()},
    )


def _record(value: object) -> Record:
    found = _mapping(value, *_names(Record))
    return Record(
        name=_text(found["name"]),
        mode=Mode(_text(found["mode"])),
        shim=_text(found["shim"]),
        shim_sha256=_digest(found["shim_sha256"]),
        fingerprint=_digest(found["fingerprint"]),
        config=_input(found["config"]),
        inputs=_all(found["inputs"], _input),
        outputs=_all(found["outputs"], _output),
        warnings=_all(found["warnings"], _text),
        options=_options(found["options"]),
    )


def _options(value: object) -> dict[str, OptionValue]:
    if not isinstance(value, dict):
        raise _wrong("options must be a mapping", value)
    return {_text(name): _option(each) for name, each in value.items()}


def _option(value: object) -> OptionValue:
    if isinstance(value, bool):
        return value
    return _all(value, _text) if isinstance(value, list) else _text(value)


def _input(value: object) -> Input:
    found = _mapping(value, *_names(Input))
    stamp = _all(found["stamp"], _number)
    if len(stamp) != 4:
        raise _wrong("a stamp must be four numbers", found["stamp"])
    device, inode, size, mtime = stamp
    return Input(
        path=_text(found["path"]),
        here=_text(found["here"]),
        sha256=_digest(found["sha256"]),
        stamp=(device, inode, size, mtime),
    )


def _output(value: object) -> Output:
    found = _mapping(value, *_names(Output))
    return Output(_text(found["path"]), _number(found["size"]), _number(found["mtime_ns"]))


def _kernel(value: object) -> KernelFacts:
    found = _mapping(value, *_names(KernelFacts))
    payload = _all(found["payload"], _number)
    if len(payload) != 2 or not _is_part(*payload):
        raise _wrong("a payload must be the offset and length of a part of a file", payload)
    if type(found["pv"]) is not bool:
        raise _wrong("pv must be true or false", found["pv"])
    return KernelFacts(
        wrapping=Wrapping(_text(found["wrapping"])),
        compression=Compression(_text(found["compression"])),
        payload=(payload[0], payload[1]),
        bits=_bits(found["bits"]),
        pv=found["pv"],
        guest_os=None if found["guest_os"] is None else _text(found["guest_os"]),
        version=None if found["version"] is None else _text(found["version"]),
    )


def _is_part(offset: int, length: int) -> bool:
    return offset >= 0 and length >= _SMALLEST and offset + length <= _LARGEST_FILE


def _names(kind: type[Record | Input | Output | KernelFacts]) -> list[str]:
    return [each.name for each in fields(kind)]


def _mapping(value: object, *keys: str) -> dict[str, Any]:
    if not isinstance(value, dict) or value.keys() != set(keys):
        raise _wrong(f"a mapping of {', '.join(keys)} is missing", value)
    return value


def _all(value: object, read: Callable[[Any], Got]) -> tuple[Got, ...]:
    if not isinstance(value, list):
        raise _wrong("a list is missing", value)
    return tuple(map(read, value))


def _text(value: object) -> str:
    """Return a text without NUL, which no path, name or warning can hold."""
    if isinstance(value, dict) and isinstance(value.get("base64"), str):
        data = base64.b64decode(_mapping(value, "base64")["base64"], validate=True)
        value = data.decode(errors="surrogateescape")
    if not isinstance(value, str) or "\0" in value:
        raise _wrong("a text is missing", value)
    value.encode(errors="surrogateescape")  # else it could not be written again
    return value


def _number(value: object) -> int:
    if type(value) is not int:  # bool is one, too
        raise _wrong("a whole number is missing", value)
    return value


def _bits(value: object) -> Literal[32, 64]:
    if value == 32:
        return 32
    if value == 64:
        return 64
    raise _wrong("bits must be 32 or 64", value)


def _digest(value: object) -> str:
    text = _text(value)
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise _wrong("a hash must have 64 hexadecimal digits", value)
    return text


def _wrong(must: str, value: object) -> ValueError:
    return ValueError(f"{must}: {reprlib.repr(value)}")
