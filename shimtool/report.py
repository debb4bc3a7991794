"""shimtool.yaml: what was converted, from what, with which shim. status and restore read it."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from shimtool import __version__
from shimtool.errors import fault, from_os
from shimtool.model import Compression, KernelFacts, SourceFile, Wrapping

FILE_NAME = "shimtool.yaml"
_LIMIT = 64 << 20

# libyaml's loader is ten times faster; PyYAML may have been built without it.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


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

    `fingerprint` covers everything that decides the outputs' bytes.
    """

    name: str
    mode: str
    shim: str
    fingerprint: str
    config: Input
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    warnings: tuple[str, ...] = ()


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

    Raises ShimtoolError when it is damaged.
    """
    path = folder / FILE_NAME
    try:
        with path.open("rb") as file:
            text = file.read(_LIMIT)
    except FileNotFoundError:
        return Report()
    except OSError as error:
        raise from_os(error, "read", path) from None
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader, see above
        guests = {record.name: record for record in map(_record, document["guests"])}
        kernels = {digest: _kernel(fields) for digest, fields in document["kernels"].items()}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError, RecursionError) as bad:
        raise fault(
            "the report is damaged",
            path,
            seen=str(bad),
            remedy="move it away and convert again; originals of --in-place stay beside it",
        ) from None
    return Report(guests, kernels)


def render(report: Report) -> bytes:
    """Return the file's bytes, guests in order of name."""
    document = {
        "shimtool": __version__,
        "guests": [_plain(asdict(record)) for _name, record in sorted(report.guests.items())],
        "kernels": {
            digest: _plain(asdict(facts)) for digest, facts in sorted(report.kernels.items())
        },
    }
    text: bytes = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, encoding="utf-8", width=200, allow_unicode=False
    )
    return text


def fingerprint(*parts: object) -> str:
    """Hash everything that decides the outputs."""
    return hashlib.sha256(repr((__version__, *parts)).encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401 - YAML's plain types
    """Tuples become lists, enums words."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    return str(value) if isinstance(value, str) else value


def _record(fields: dict[str, Any]) -> Record:
    return Record(
        **{
            **fields,
            "config": _input(fields["config"]),
            "inputs": tuple(map(_input, fields["inputs"])),
            "outputs": tuple(Output(**each) for each in fields["outputs"]),
            "warnings": tuple(fields["warnings"]),
        }
    )


def _input(fields: dict[str, Any]) -> Input:
    return Input(**{**fields, "stamp": _stamp(fields["stamp"])})


def _stamp(numbers: list[int]) -> tuple[int, int, int, int]:
    device, inode, size, mtime = map(int, numbers)
    return device, inode, size, mtime


def _kernel(fields: dict[str, Any]) -> KernelFacts:
    return KernelFacts(
        **{
            **fields,
            "wrapping": Wrapping(fields["wrapping"]),
            "compression": Compression(fields["compression"]),
            "payload": (int(fields["payload"][0]), int(fields["payload"][1])),
        }
    )
