"""Known builds of shims: what a binary does not tell about itself (known.yaml).

A 4.10 shim composes its version at run time, and a Vixen looks like an ordinary hypervisor:
both are recognised by sha256 or GNU build-id.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shimtool.model import ShimKind
from shimtool.system.yaml_rows import NAME, TEXT, Field, digits, pattern, read_list

FILE = "known.yaml"


@dataclass(frozen=True, slots=True)
class Known:
    """A build: the name and Xen version to record it under; sha256 or build-id tells it."""

    name: str
    version: str
    kind: ShimKind
    sha256: str | None
    build_id: str | None


KIND = pattern(r"4\.10-based|vixen", "be one of: 4.10-based, vixen")
FIELDS = {
    "name": NAME,
    "version": TEXT,
    "kind": KIND,
    "sha256": digits(64, required=False),
    "build-id": digits(40, required=False),
    "origin": Field("be a text", lambda value: isinstance(value, str), required=False),
}


def load_known(folder: Path) -> tuple[Known, ...]:
    """Return the builds that `folder`/known.yaml lists; none when there is no such file.

    Raises ShimtoolError with every fault of the file.
    """
    return tuple(
        Known(
            row["name"],
            row["version"],
            ShimKind(row["kind"]),
            row.get("sha256"),
            row.get("build-id"),
        )
        for row in read_list(folder / FILE, FIELDS)
    )


def find_known(known: Iterable[Known], sha256: str, build_id: str | None) -> Known | None:
    """Return the build with this sha256, else the one with this build-id."""
    builds = tuple(known)
    same = [build for build in builds if build.sha256 == sha256]
    same += [build for build in builds if build_id is not None and build.build_id == build_id]
    return same[0] if same else None
