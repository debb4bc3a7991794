"""Known builds of shims: what a binary does not tell about itself (known.yaml).

A 4.10 shim composes its version at run time, and a Vixen looks like an ordinary hypervisor:
both are recognised by sha256 or GNU build-id.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shimtool.shims.schema import Field, hex_digits, one_of, read_list, safe_name, text

Kind = Literal["4.10-based", "vixen"]
KINDS: tuple[Kind, ...] = ("4.10-based", "vixen")
FILE = "known.yaml"


@dataclass(frozen=True, slots=True)
class Known:
    """A build: the name and Xen version to record it under; sha256 or build-id tells it."""

    name: str
    version: str
    kind: Kind
    sha256: str | None
    build_id: str | None


FIELDS = {
    "name": Field(safe_name),
    "version": Field(text),
    "kind": Field(one_of(*KINDS)),
    "sha256": Field(hex_digits(64), required=False),
    "build-id": Field(hex_digits(40), required=False),
    "origin": Field(text, required=False),  # for the reader of the file
}


def load_known(folder: Path) -> tuple[Known, ...]:
    """Return the builds that `folder`/known.yaml lists; none when there is no such file.

    Raises ShimtoolError with every fault of the file.
    """
    path = folder / FILE
    if not path.exists():
        return ()
    return tuple(
        Known(row["name"], row["version"], row["kind"], row.get("sha256"), row.get("build-id"))
        for row in read_list(path, FIELDS)
    )


def find_known(known: Iterable[Known], sha256: str, build_id: str | None) -> Known | None:
    """Return the build with this sha256, else the one with this build-id."""
    builds = tuple(known)
    same = [build for build in builds if build.sha256 == sha256]
    same += [build for build in builds if build_id is not None and build.build_id == build_id]
    return same[0] if same else None
