"""What the commands' --json documents hold, and how outcomes become them.

The TypedDicts are promises: scripts read these documents. schemas/*.json beside this file say the
same as JSON Schema (tests/cli/test_schemas.py makes them of these). What a table or a summary shows
is made of the same, so that both always say the same.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, TypedDict

from shimtool.commands.convert import Converted
from shimtool.commands.planning import Outcome, Planned, Refused
from shimtool.commands.status import GuestStatus
from shimtool.dom0 import facts
from shimtool.dom0.detect import version_name
from shimtool.dom0.paths import SearchPaths
from shimtool.dom0.releases import Fact
from shimtool.errors import Code, Fault, coded
from shimtool.model import (
    Caution,
    Concern,
    Difference,
    Guest,
    GuestType,
    Host,
    Mode,
    Plan,
    Shim,
    ShimKind,
)
from shimtool.output.report import DamagedRecord
from shimtool.shims.kinds import kind_of, kinds, versions_for, works_in
from shimtool.text import printable


class Reason(TypedDict):
    """Why something is refused, failed or stale. `code` stays; the texts may change.

    `file` and `line` are where an admin can look, `seen` is the value that is wrong.
    """

    code: Code
    message: str
    file: str | None
    line: int | None
    seen: str | None
    remedy: str | None


class Warning(TypedDict):  # noqa: A001 - what it is called everywhere else
    """What works after conversion, but otherwise. `code` stays; the text may change."""

    code: Concern
    message: str


class Change(TypedDict):
    """One edit of a config: a key (for libvirt a path of elements), null where no longer set."""

    key: str
    value: str | int | list[str] | None


class Differing(TypedDict):
    """What will not be as before for a guest. `code` stays; the texts may change."""

    code: Concern
    short: str
    message: str


class MemorySizes(TypedDict):
    """MiB that the config gives, and the new one; what the guest sees; what it needs to start.

    `needed` is null where the kernel is not known.
    """

    before: int
    after: int
    guest: int
    needed: int | None


class ScannedGuest(TypedDict):
    """One guest of `scan --json`; `name` is null where the config could not be read.

    Of one that is refused `differs` is empty, and `memory` null.
    """

    name: str | None
    config: str
    type: GuestType
    boot: Literal["kernel", "pvgrub", "bootloader", "none"]
    convertible: bool
    reasons: list[Reason]
    differs: list[Differing]
    memory: MemorySizes | None


class PlannedGuest(ScannedGuest):
    """One guest of `plan --json` and `convert --json`; `mode` and `shim` are null if refused."""

    status: Literal["planned", "converted", "unchanged", "refused"]
    mode: Mode | None
    shim: str | None
    changes: list[Change]
    warnings: list[Warning]
    outputs: list[str]


class VerifiedFile(TypedDict):
    """One file of `verify --json` and `boot-test --json`: what was looked at, what was found."""

    file: str
    ok: bool
    checks: dict[str, str]
    reasons: list[Reason]


class GuestState(TypedDict):
    """One guest of `status --json`; of a damaged record only name and reasons are known."""

    name: str
    config: str | None
    stale: bool
    reasons: list[Reason]
    mode: str | None
    shim: str | None
    outputs: list[str]


class RestoredConfig(TypedDict):
    """One config of `restore --json`."""

    config: str
    status: Literal["restored", "refused"]
    reasons: list[Reason]


# Names that no class could give.
_Hyphened = TypedDict("_Hyphened", {"build-id": str | None, "hosts-source": str})


class ShimFacts(_Hyphened):
    """One shim of `shims list --json`, and `shims show --json`; sizes in bytes."""

    name: str
    version: str | None
    kind: ShimKind
    modes: list[Mode]
    size: int
    sha256: str
    origin: str
    file: str
    hosts: str
    arguments: str
    caveats: list[str]


class ShimsOfKind(TypedDict):
    """Which shims of a kind work on this host; `versions` is null where all do."""

    modes: list[Mode]
    versions: list[str] | None
    hosts: str


class PathOnHost(TypedDict):
    """A folder of dom0, and where it is here."""

    host: str
    here: str


_HasSources = TypedDict("_HasSources", {"has-sources": dict[Fact, str]})


class HostFacts(_HasSources):
    """`host --json`: this Xen, what it has (releases.yaml), which shims work on it.

    null is unknown. `profile` names the release whose facts these are.
    """

    xen: str | None
    source: str
    hvm: bool | None
    mode: Mode
    profile: str
    has: dict[Fact, bool | None]
    shims: dict[ShimKind, ShimsOfKind]
    maps: list[PathOnHost]
    kernels: list[str]


class Errors(TypedDict):
    """An error of the whole run, whatever the command."""

    errors: list[Reason]


# What each command prints; in --json a document is one of these, or Errors.
DOCUMENTS: dict[str, object] = {
    "scan": list[ScannedGuest],
    "plan": list[PlannedGuest],
    "convert": list[PlannedGuest],
    "verify": list[VerifiedFile],
    "boot-test": list[VerifiedFile],
    "status": list[GuestState],
    "restore": list[RestoredConfig],
    "host": HostFacts,
    "shims-list": list[ShimFacts],
    "shims-show": ShimFacts,
    "errors": Errors,
}


def reason(fault: Fault) -> Reason:
    """Return a fault as data."""
    return {
        "code": fault.code,
        "message": printable(fault.message),
        "file": printable(str(fault.where.path)) if fault.where else None,
        "line": fault.where.line if fault.where else None,
        "seen": None if fault.seen is None else printable(fault.seen),
        "remedy": None if fault.remedy is None else printable(fault.remedy),
    }


def reason_line(reason: Reason) -> str:
    """Return a reason on one line, for tables."""
    line = f":{reason['line']}" if reason["line"] else ""
    where = f"{reason['file']}{line}: " if reason["file"] else ""
    remedy = f" ({reason['remedy']})" if reason["remedy"] else ""
    return f"{where}{reason['message']}{remedy}"


def _warning(caution: Caution) -> Warning:
    return {"code": caution.concern, "message": printable(caution.text)}


def _changes(plan: Plan) -> list[Change]:
    """List the edits of the config, one a key."""
    kept = {key for key, _value in plan.edits.settings}
    gone: list[Change] = [
        {"key": key, "value": None} for key in plan.edits.comment_out if key not in kept
    ]
    return gone + [
        {"key": key, "value": list(value) if isinstance(value, tuple) else value}
        for key, value in plan.edits.settings
    ]


def scanned(outcome: Outcome) -> ScannedGuest:
    """Return one guest of `scan --json`."""
    match outcome:
        case Planned():
            return _scanned(outcome.config, outcome.parsed.guest, (), outcome.plan)
        case Refused():
            return _scanned(outcome.config, outcome.guest, outcome.faults, None)


def _scanned(
    config: Path, guest: Guest | None, faults: Iterable[Fault], plan: Plan | None
) -> ScannedGuest:
    reasons = list(map(reason, faults))
    return {
        "name": guest.name if guest else None,
        "config": str(config),
        "type": guest.type if guest else GuestType.UNKNOWN,
        "boot": guest.boot.kind if guest else "none",
        "convertible": not reasons,
        "reasons": reasons,
        "differs": [_differing(each) for each in plan.differences] if plan else [],
        "memory": _sizes(plan) if plan else None,
    }


def _differing(each: Difference) -> Differing:
    return {
        "code": each.concern,
        "short": printable(each.short),
        "message": printable(each.text),
    }


def _sizes(plan: Plan) -> MemorySizes:
    memory = plan.memory
    return {
        "before": plan.guest.memory,
        "after": memory.container,
        "guest": memory.guest,
        "needed": memory.needed,
    }


def planned(outcome: Outcome | Converted) -> PlannedGuest:
    """Return one guest of `plan --json` and `convert --json`."""
    match outcome:
        case Planned():
            return _planned(outcome, "planned")
        case Converted():
            return _planned(outcome.planned, outcome.status)
        case Refused():
            return {
                **scanned(outcome),
                "status": "refused",
                "mode": None,
                "shim": None,
                "changes": [],
                "warnings": [],
                "outputs": [],
            }


def _planned(
    outcome: Planned, status: Literal["planned", "converted", "unchanged"]
) -> PlannedGuest:
    plan: Plan = outcome.plan
    return {
        **scanned(outcome),
        "status": status,
        "mode": plan.mode,
        "shim": plan.image.shim.name,
        "changes": _changes(plan),
        "warnings": list(map(_warning, plan.warnings)),
        "outputs": list(plan.files),
    }


def verified(
    file: Path, checks: Iterable[tuple[str, str]], faults: Iterable[Fault]
) -> VerifiedFile:
    """Return one file of `verify --json`."""
    reasons = list(map(reason, coded(Code.OUTPUT, faults)))
    return {"file": str(file), "ok": not reasons, "checks": dict(checks), "reasons": reasons}


def state(each: GuestStatus | DamagedRecord) -> GuestState:
    """Return one guest of `status --json`."""
    if isinstance(each, DamagedRecord):
        return {
            "name": printable(each.name),
            "config": None,
            "stale": True,
            "reasons": list(map(reason, coded(Code.RECORD, [each.fault]))),
            "mode": None,
            "shim": None,
            "outputs": [],
        }
    return {
        "name": each.record.name,
        "config": each.record.config.path,
        "stale": bool(each.reasons),
        "reasons": list(map(reason, each.reasons)),
        "mode": each.record.mode,
        "shim": each.record.shim,
        "outputs": [output.path for output in each.record.outputs],
    }


def restored(config: Path, faults: Iterable[Fault]) -> RestoredConfig:
    """Return one config of `restore --json`."""
    reasons = list(map(reason, coded(Code.OUTPUT, faults)))
    return {
        "config": str(config),
        "status": "refused" if reasons else "restored",
        "reasons": reasons,
    }


def shim(each: Shim) -> ShimFacts:
    """Return one shim of `shims list --json`."""
    known = kind_of(each)
    return {
        "name": each.name,
        "version": each.version,
        "kind": each.kind,
        "modes": sorted(each.modes),
        "size": each.size,
        "sha256": each.sha256,
        "build-id": each.build_id,
        "origin": each.origin,
        "file": str(each.file),
        "hosts": known.hosts,
        "hosts-source": known.hosts_source,
        "arguments": known.arguments,
        "caveats": list(known.caveats),
    }


def host(known: Host, mode: Mode, paths: SearchPaths) -> HostFacts:
    """Return what `host --json` says."""
    return {
        "xen": None if known.xen is None else version_name(known),
        "source": known.source,
        "hvm": known.hvm,
        "mode": mode,
        "profile": facts.release_name(known),
        "has": {fact: facts.has(known, fact) for fact in Fact},
        "has-sources": facts.sources(known),
        "shims": {
            kind: {
                "modes": list(works_in(kind, known)),
                "versions": list(versions_for(kind, known)) or None,
                "hosts": each.hosts,
            }
            for kind, each in kinds().items()
        },
        "maps": [{"host": str(host_path), "here": str(here)} for host_path, here in paths.maps],
        "kernels": [str(folder) for folder in paths.kernels],
    }
