"""What each Xen release understands: releases.yaml beside this file, read strictly and once.

It is data of the program, as constant as its code; nothing else is read here.
"""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, ClassVar

from shimtool.deferred import dataclass
from shimtool.errors import fault
from shimtool.system.typed import Key, Must, Words, matching
from shimtool.system.yaml_rows import read_rows

FILE = Path(__file__).parent / "releases.yaml"

# Read through macros in xl's sources, and so in no list there; every release has them.
EVERYWHERE = ("device_model_args_hvm", "device_model_args_pv")

Version = tuple[int, int, int | None]


class Fact(StrEnum):
    """What a Xen release has or lacks; releases.yaml says what each one means."""

    TYPE_KEY = "type-key"
    APPEND = "append"
    PVH = "pvh"
    PVSHIM = "pvshim"
    EXACT_CPUS = "exact-cpus"
    UPCALL_FIX = "upcall-fix"
    MOVED_MEMORY = "moved-memory"
    XPTI = "xpti"


MEANS = {
    Fact.TYPE_KEY: "xl reads type=",
    Fact.APPEND: "xl reads key += value",
    Fact.PVH: "starts PVH guests",
    Fact.PVSHIM: "xl reads pvshim=",
    Fact.EXACT_CPUS: "HVM guests are told of vcpus= processors, not of 128",
    Fact.UPCALL_FIX: "shims of the kind pvshim get their events in HVM",
    Fact.MOVED_MEMORY: "shims were seen to start where the pre-stage moved memory",
    Fact.XPTI: "XPTI, which protects it from PV guests",
}


@dataclass(frozen=True, slots=True)
class Known:
    """Whether it is so, and how that is known."""

    true: bool
    source: str


@dataclass(frozen=True, slots=True)
class Release:
    """What holds from release `first` (major, minor, point) on; `keys` are those xl looks up."""

    first: tuple[int, int, int]
    keys: frozenset[str]
    keys_source: str
    facts: Mapping[Fact, Known]

    @property
    def name(self) -> str:
        """The release it begins with, "4.9.2"; "4.9" where the branch does."""
        major, minor, point = self.first
        return f"{major}.{minor}.{point}" if point or minor == 10 else f"{major}.{minor}"


@dataclass(frozen=True, slots=True)
class _Known:
    is_: Annotated[bool, Key("is")]
    source: Words


_Keys = Annotated[
    tuple[Annotated[str, matching("[a-z][a-z0-9_]*", "be a key")], ...], Must("be a list of keys")
]


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry of the file."""

    HYPHENS: ClassVar = True

    xen: Annotated[str, matching(r"4\.\d{1,2}(\.\d)?", "be a release in quotes")]
    adds: _Keys = ()
    drops: _Keys = ()
    keys_source: Words = ""
    facts: Annotated[
        Mapping[Fact, _Known],
        Must(f"map some of {', '.join(Fact)} to {{is: true or false, source: text}}"),
    ] = field(default_factory=dict)


@cache
def releases() -> tuple[Release, ...]:
    """Return all profiles, oldest first."""
    return read_releases(FILE)


def read_releases(path: Path) -> tuple[Release, ...]:
    """Read profiles; ShimtoolError unless each has every fact, and adds and drops fit its keys."""
    found: list[Release] = []
    for row in read_rows(path, _Row, own=True):
        found.append(_next(found[-1] if found else None, row, path))
    return tuple(found)


def _next(before: Release | None, row: _Row, path: Path) -> Release:
    adds, drops = set(row.adds), set(row.drops)
    keys = before.keys if before else frozenset(EVERYWHERE)
    facts = dict(before.facts) if before else {}
    facts |= {fact: Known(known.is_, known.source) for fact, known in row.facts.items()}
    first = _release(row.xen)
    source = row.keys_source or (before.keys_source if before else "")
    if wrong := _wrong(before, first, set(facts), [adds & keys, drops - keys]):
        raise fault(f"profile {row.xen}: {wrong}", path)
    return Release(first, keys - drops | adds, source, MappingProxyType(facts))


def _wrong(
    before: Release | None, first: tuple[int, int, int], facts: set[Fact], keys: list[set[str]]
) -> str | None:
    if before and first <= before.first:
        return "not newer than the one before"
    if missing := set(Fact) - facts:
        return f"nothing is said of {', '.join(sorted(missing))}"
    if any(keys):
        return f"added twice, or dropped but never there: {', '.join(sorted(set.union(*keys)))}"
    return None


def _release(text: str) -> tuple[int, int, int]:
    major, minor, *point = map(int, text.split("."))
    return major, minor, point[0] if point else 0


def release_of(version: Version) -> Release:
    """Return the profile that holds for a release: the oldest for older ones.

    A branch without point release ("4.9") counts as its first one: what that has, all have.
    """
    major, minor, point = version
    held = [each for each in releases() if each.first <= (major, minor, point or 0)]
    return held[-1] if held else releases()[0]


def of_branch(version: Version) -> tuple[Release, ...]:
    """Return the profiles that a release may have: one if its point release is known."""
    here = release_of(version)
    if version[2] is not None:
        return (here,)
    later = [p for p in releases() if p.first[:2] == version[:2] and p.first > here.first]
    return (here, *later)


def edges() -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the oldest and the newest branch that is described."""
    return releases()[0].first[:2], releases()[-1].first[:2]
