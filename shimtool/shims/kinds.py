"""What each kind of shim needs of its host and command line: kinds.yaml beside this file."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from shimtool.dom0 import facts
from shimtool.dom0.releases import Fact
from shimtool.errors import fault
from shimtool.model import Host, Mode, Shim, ShimKind
from shimtool.system.yaml_rows import TEXT, Field, Row, pattern, read_list

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


def _list_of(must: str, allowed: Field, *, empty: bool = True) -> Field:
    return Field(
        f"be a list, and each {must}",
        lambda v: isinstance(v, list) and (empty or len(v) > 0) and all(map(allowed.valid, v)),
    )


_BRANCH = pattern(r"4\.\d{1,2}", 'a version such as "4.10", in quotes')
_BRANCHES = _list_of(_BRANCH.must, _BRANCH, empty=False)
_FIELDS = {
    "kind": pattern("|".join(map(str, ShimKind)).replace(".", r"\."), "be one of the kinds"),
    "modes": _list_of("hvm or pvh", pattern("|".join(Mode), ""), empty=False),
    "modes-source": TEXT,
    "arguments": TEXT,
    "arguments-source": TEXT,
    "needs": pattern("|".join(Fact), f"be one of {', '.join(Fact)}, or null", null=True),
    "needs-source": TEXT,
    "maxcpus": Field(_BRANCHES.must + ", or any", lambda v: v == "any" or _BRANCHES.valid(v)),
    "maxcpus-source": TEXT,
    "serial": Field("be true or false", lambda v: isinstance(v, bool)),
    "serial-source": TEXT,
    "hosts": TEXT,
    "hosts-source": TEXT,
    "caveats": _list_of("a text", TEXT),
}


@cache
def kinds() -> dict[ShimKind, Kind]:
    """Return all kinds."""
    return read_kinds(FILE)


def read_kinds(path: Path) -> dict[ShimKind, Kind]:
    """Read kinds; raise ShimtoolError unless each is described once."""
    found = [_kind(row) for row in read_list(path, _FIELDS, own=True)]
    if sorted(each.kind for each in found) != sorted(ShimKind):
        raise fault(f"each kind must be described once: {', '.join(ShimKind)}", path)
    return {each.kind: each for each in found}


def _branch(text: str) -> tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def kind_of(shim: Shim) -> Kind:
    """Return what is known of a shim's kind."""
    return kinds()[shim.kind]


def _kind(row: Row) -> Kind:
    return Kind(
        kind=ShimKind(row["kind"]),
        modes=frozenset(map(Mode, row["modes"])),
        arguments=row["arguments"],
        needs=row["needs"] and Fact(row["needs"]),
        maxcpus=None if row["maxcpus"] == "any" else frozenset(map(_branch, row["maxcpus"])),
        serial=row["serial"],
        hosts=row["hosts"],
        hosts_source=row["hosts-source"],
        caveats=tuple(row["caveats"]),
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
