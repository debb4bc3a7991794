"""What each kind of shim needs of its host and command line: kinds.yaml beside this file."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, ClassVar

from shimtool.deferred import dataclass
from shimtool.dom0 import facts
from shimtool.dom0.releases import Fact
from shimtool.errors import fault
from shimtool.model import Host, Mode, Shim, ShimKind
from shimtool.shims.known import Kind as OneKind
from shimtool.shims.known import Modes
from shimtool.system.typed import Flag, Must, Words, matching
from shimtool.system.yaml_rows import read_rows

FILE = Path(__file__).parent / "kinds.yaml"

_Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of shim, as kinds.yaml describes it.

    Versions are (major, minor), memory is in KiB.
    """

    kind: ShimKind
    modes: frozenset[Mode]
    arguments: str
    needs: Fact | None
    pre_stage: bool
    event_vectors: Mapping[_Version, int]
    room_from: _Version | None
    memory_fixed: int
    memory_fixed_of: Mapping[_Version, int]
    serial: bool
    hosts: str
    hosts_source: str
    caveats: tuple[str, ...]


_Branch = Annotated[str, matching(r"4\.\d{1,2}", "be a version")]
# Below are the processor's exceptions (public/hvm/hvm_op.h asks for 0x10 or more).
_Vector = Annotated[int, Must("be a vector, 0x10 to 0xff", lambda found: 0x10 <= found <= 0xFF)]
_Amount = Annotated[int, Must("be a whole number above 0", lambda found: found > 0)]
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
    pre_stage: Flag
    pre_stage_source: Words
    event_vectors: Mapping[_Branch, _Vector]
    event_vectors_source: Words
    room_from: Annotated[_Branch | None, Must("be a version, or null")]
    room_from_source: Words
    memory_fixed: _Amount
    memory_fixed_source: Words
    memory_fixed_of: Mapping[_Branch, _Amount]
    memory_fixed_of_source: Words
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
        pre_stage=row.pre_stage,
        event_vectors={_branch(name): vector for name, vector in row.event_vectors.items()},
        room_from=_branch(row.room_from) if row.room_from else None,
        memory_fixed=row.memory_fixed,
        memory_fixed_of={_branch(name): fixed for name, fixed in row.memory_fixed_of.items()},
        serial=row.serial,
        hosts=row.hosts,
        hosts_source=row.hosts_source,
        caveats=tuple(row.caveats),
    )


def event_vector(shim: Shim, host: Host, mode: Mode) -> int | None:
    """Return the vector to set before this shim runs, where its guest may get no events otherwise.

    None also where it is not known which one the shim takes: a vector without a handler of the
    shim's would end it.
    """
    known = kind_of(shim)
    if mode is not Mode.HVM or known.needs is None or facts.has(host, known.needs) is True:
        return None
    return known.event_vectors.get(_version(shim))


def _version(shim: Shim) -> _Version:
    """Return of which Xen a shim is; (0, 0) where it is not known."""
    found = re.match(r"\d{1,9}\.\d{1,9}", shim.version or "")
    return _branch(found[0]) if found else (0, 0)


def starts_with_room(shim: Shim) -> bool:
    """Whether such a shim is known to start where the pre-stage moved memory."""
    room_from = kind_of(shim).room_from
    return room_from is not None and _version(shim) >= room_from


def memory_share(shim: Shim, size: int) -> int:
    """Return the MiB, rounded up, that a shim keeps for itself of a container of `size` MiB.

    Its frame table has 32 bytes a page, its table of machine pages 8, both in pieces of 2 MiB; the
    last term is for what more large guests were seen to lose. See kinds.yaml for what was measured.
    """
    known = kind_of(shim)
    fixed = known.memory_fixed_of.get(_version(shim), known.memory_fixed)
    pieces = -(-size // 256) + -(-size // 1024)
    return -(-(fixed + 2048 * pieces + max(0, size - 1792)) // 1024)


def loses_events(shim: Shim, host: Host, mode: Mode) -> bool | None:
    """Whether a guest of this shim hangs on this host; None when the host's Xen is not certain."""
    needed = kind_of(shim).needs
    if mode is not Mode.HVM or needed is None or event_vector(shim, host, mode) is not None:
        return False
    there = facts.has(host, needed)
    return None if there is None else not there


def is_compatible(shim: Shim, host: Host, mode: Mode) -> bool:
    """Whether nothing known speaks against this shim on this host."""
    return mode in shim.modes and not loses_events(shim, host, mode)


def versions_for(kind: ShimKind, host: Host) -> tuple[str, ...]:
    """Return the Xen versions of which a kind's shims have to be on this host; () for any."""
    known = kinds()[kind]
    if known.needs is None or facts.has(host, known.needs) is not False:
        return ()
    return tuple(f"{major}.{minor}" for major, minor in sorted(known.event_vectors))


def works_in(kind: ShimKind, host: Host) -> tuple[Mode, ...]:
    """Return the containers in which shims of a kind work on this host, as far as is known."""
    if host.hvm is False:
        return ()
    known = kinds()[kind]
    lacks = known.needs is not None and facts.has(host, known.needs) is False
    able = {
        Mode.HVM: not lacks or bool(known.event_vectors),
        Mode.PVH: host.xen is not None and facts.can_pvshim(host),
    }
    return tuple(mode for mode in Mode if mode in known.modes and able[mode])
