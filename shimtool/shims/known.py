"""Known builds of shims: what a binary does not tell about itself (known.yaml).

A 4.10 shim composes its version at run time, and a Vixen looks like an ordinary hypervisor:
both are recognised by sha256 or GNU build-id.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, ClassVar

from shimtool.deferred import dataclass
from shimtool.model import Mode, ShimKind
from shimtool.system.typed import Must, Name, Sha256, Words, matching
from shimtool.system.yaml_rows import read_rows

FILE = "known.yaml"

BuildId = Annotated[str, matching("[0-9a-f]{40}", "be 40 lower-case hexadecimal digits, in quotes")]
Kind = Annotated[ShimKind, Must(f"be one of: {', '.join(ShimKind)}")]
Modes = Annotated[tuple[Mode, ...], Must("be one of: hvm, pvh, or both, as a list", len)]


@dataclass(frozen=True, slots=True)
class Known:
    """A build: the name and Xen version to record it under; sha256 or build-id tells it."""

    name: str
    version: str
    kind: ShimKind
    sha256: str | None
    build_id: str | None


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry of the file."""

    HYPHENS: ClassVar = True

    name: Name
    version: Words
    kind: Kind
    sha256: Sha256 | None = None
    build_id: BuildId | None = None
    origin: Annotated[str, Must("be a text")] = ""


def load_known(folder: Path) -> tuple[Known, ...]:
    """Return the builds that `folder`/known.yaml lists; none when there is no such file.

    Raises ShimtoolError with every fault of the file.
    """
    return tuple(
        Known(row.name, row.version, row.kind, row.sha256, row.build_id)
        for row in read_rows(folder / FILE, _Row)
    )


def find_known(known: Iterable[Known], sha256: str, build_id: str | None) -> Known | None:
    """Return the build with this sha256, else the one with this build-id."""
    builds = tuple(known)
    same = [build for build in builds if build.sha256 == sha256]
    same += [build for build in builds if build_id is not None and build.build_id == build_id]
    return same[0] if same else None
