"""What each kind of shim needs of its host and command line: kinds.yaml beside this file."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from shimtool.dom0 import facts
from shimtool.dom0.releases import Fact
from shimtool.errors import fault
from shimtool.model import Host, Mode, Shim, ShimKind
from shimtool.shims.known import Kind as OneKind
from shimtool.shims.known import Modes
from shimtool.system.typed import Flag, Must, Words, matching
from shimtool.system.yaml_rows import read_rows

FILE = Path(__file__).parent / "kinds.yaml"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of shim, as kinds.yaml describes it; `maxcpus` are (major, minor); None: any."""

    kind: ShimKind
    modes: frozenset[Mode]
    arguments: str
    needs: Fact | None
    maxcpus: frozenset[tuple[int, int]] | None
    serial: bool
    hosts: str
    hosts_source: str
    caveats: tuple[str, ...]


_Branch = Annotated[str, matching(r"4\.\d{1,2}", "be a version")]
_Texts = Annotated[tuple[Words, ...], Must("be a list of texts")]


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry of the file."""

    HYPHENS: ClassVar = True

    kind: OneKind
    modes: Modes
    modes_source: Words
    arguments: Words
    arguments_source: Words
    needs: Annotated[Fact | None, Must(f"be one of {', '.join(Fact)}, or null")]
    needs_source: Words
    maxcpus: Annotated[
        tuple[_Branch, ...] | Literal["any"],
        Must('be a list of versions such as "4.10", in quotes, or any', len),
    ]
    maxcpus_source: Words
    serial: Flag
    serial_source: Words
    hosts: Words
    hosts_source: Words
    caveats: _Texts


@cache
def kinds() -> dict[ShimKind, Kind]:
    """Return all kinds."""
    return read_kinds(FILE)


def read_kinds(path: Path) -> dict[ShimKind, Kind]:
    """Read kinds; raise ShimtoolError unless each is described once."""
    found = [_kind(row) for row in read_rows(path, _Row, own=True)]
    if sorted(each.kind for each in found) != sorted(ShimKind):
        raise fault(f"each kind must be described once: {', '.join(ShimKind)}", path)
    return {each.kind: each for each in found}


def _branch(text: str) -> tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def kind_of(shim: Shim) -> Kind:
    """Return what is known of a shim's kind."""
    return kinds()[shim.kind]


def _kind(row: _Row) -> Kind:
    return Kind(
        kind=row.kind,
        modes=frozenset(row.modes),
        arguments=row.arguments,
        needs=row.needs,
        maxcpus=None if row.maxcpus == "any" else frozenset(map(_branch, row.maxcpus)),
        serial=row.serial,
        hosts=row.hosts,
        hosts_source=row.hosts_source,
        caveats=tuple(row.caveats),
    )


def loses_events(shim: Shim, host: Host, mode: Mode) -> bool | None:
    """Whether a guest of this shim hangs on this host; None when the host's Xen is not certain."""
    needed = kind_of(shim).needs
    if mode is not Mode.HVM or needed is None:
        return False
    there = facts.has(host, needed)
    return None if there is None else not there


def lists_phantom_cpus(shim: Shim, host: Host, mode: Mode) -> bool:
    """Whether the guest's kernel stops at processors that this host lists, but that do not run."""
    if mode is not Mode.HVM or facts.has(host, Fact.EXACT_CPUS) is not False:
        return False
    obedient = kind_of(shim).maxcpus
    if obedient is None:
        return False
    found = re.match(r"\d{1,9}\.\d{1,9}", shim.version or "")
    return found is None or _branch(found[0]) not in obedient


def is_compatible(shim: Shim, host: Host, mode: Mode) -> bool:
    """Whether nothing known speaks against this shim on this host."""
    return (
        mode in shim.modes
        and not loses_events(shim, host, mode)
        and not lists_phantom_cpus(shim, host, mode)
    )


def versions_for(kind: ShimKind, host: Host) -> tuple[str, ...]:
    """Return the Xen versions of which a kind's shims have to be on this host; () for any."""
    if facts.has(host, Fact.EXACT_CPUS) is not False:
        return ()
    return tuple(f"{major}.{minor}" for major, minor in sorted(kinds()[kind].maxcpus or ()))


def works_in(kind: ShimKind, host: Host) -> tuple[Mode, ...]:
    """Return the containers in which shims of a kind work on this host, as far as is known."""
    if host.hvm is False:
        return ()
    known = kinds()[kind]
    lacks = known.needs is not None and facts.has(host, known.needs) is False
    able = {
        Mode.HVM: not lacks,
        Mode.PVH: host.xen is not None and facts.can_pvshim(host),
    }
    return tuple(mode for mode in Mode if mode in known.modes and able[mode])
