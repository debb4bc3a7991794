"""What shimtool.yaml says: what was converted, from what, with which shim."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, cast

from shimtool import __version__
from shimtool.deferred import dataclass
from shimtool.errors import Fault
from shimtool.model import KernelFacts, Mode, SourceFile
from shimtool.system.digests import sha256
from shimtool.system.files import Stamp
from shimtool.system.stored_items import StoredItems, Updated
from shimtool.system.stored_json import parse_json, plain
from shimtool.system.typed import Sha256, Text

FILE_NAME = "shimtool.yaml"

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
    """A file that a conversion wrote (below --out, or the config itself with --in-place).

    `sha256` is that of the config in --out: whoever edits it is told before it is overwritten.
    """

    path: Text
    size: int
    mtime_ns: int
    sha256: Sha256 | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One guest's conversion.

    `fingerprint` covers everything that decides the outputs' bytes; `options` are those of the
    command line that were not the default, by name. `basis` is what commands/unchanged.py goes by.
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
    basis: Sha256 | None = None


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """What of a report cannot be used: whose it seems to be, and why.

    `content` is a guest's record as it stands there, to be kept until that is converted anew;
    empty for facts of a kernel, which are found anew when they are needed.
    """

    name: str
    fault: Fault
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Report:
    """All conversions in one --out, by guest name, and the kernels of dom0, by SHA-256."""

    guests: Mapping[str, Record] = field(default_factory=dict)
    kernels: Mapping[str, KernelFacts] = field(default_factory=dict)
    damaged: tuple[DamagedRecord, ...] = ()
    _digests: Mapping[Stamp, str] | None = field(default=None, repr=False, compare=False)
    _names: Mapping[str, str] | None = field(default=None, repr=False, compare=False)

    def digests(self) -> Mapping[Stamp, str]:
        """Hashes by stamp: an unchanged stamp means the file need not be read again."""
        if self._digests is not None:
            return self._digests
        return {
            file.stamp: file.sha256 for record in self.guests.values() for file in record.inputs
        }

    def names(self) -> Mapping[str, str]:
        """Return the guests' names by their configs, as these were found."""
        if self._names is not None:
            return self._names
        return {record.config.here: name for name, record in self.guests.items()}

    def raw(self, name: str) -> Any:  # noqa: ANN401 - whatever JSON holds
        """Return a record as JSON holds it, for a look that costs less than to check it all."""
        if isinstance(self.guests, StoredItems):
            return parse_json(self.guests.text(name))
        return plain(self.guests[name])

    def updated(
        self,
        guests: Mapping[str, Record | bytes],
        kernels: Mapping[str, KernelFacts],
        damaged: tuple[DamagedRecord, ...],
    ) -> "Report":
        """Return a report with more guests and kernels, or newer ones; to be written."""
        return Report(
            Updated(self.guests, cast("Mapping[str, Record]", guests)),
            Updated(self.kernels, kernels),
            damaged,
        )


def hashed(*parts: object) -> str:
    """Hash everything that decides the outputs."""
    return sha256(repr((__version__, *parts)).encode()).hexdigest()
