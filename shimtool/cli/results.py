"""What the commands' --json documents hold, and how outcomes become them.

The TypedDicts are promises: scripts read these documents. What a table or a summary shows is
made of the same, so that both always say the same.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypedDict

from shimtool.cli.describe import changes
from shimtool.commands.convert import Converted
from shimtool.commands.planning import Outcome, Planned, Refused
from shimtool.commands.status import GuestStatus
from shimtool.dom0 import facts
from shimtool.dom0.detect import version_name
from shimtool.dom0.paths import SearchPaths
from shimtool.dom0.releases import Fact
from shimtool.errors import Fault
from shimtool.model import Guest, Host, Mode, Plan, Shim
from shimtool.output.report import DamagedRecord
from shimtool.shims.kinds import kind_of, kinds, versions_for, works_in
from shimtool.text import printable, reason


class ScannedGuest(TypedDict):
    """One guest of `scan --json`; `name` is null where the config could not be read."""

    name: str | None
    config: str
    type: str
    boot: str
    convertible: bool
    reasons: list[str]


class PlannedGuest(ScannedGuest):
    """One guest of `plan --json` and `convert --json`; `mode` and `shim` are null if refused."""

    status: str
    mode: str | None
    shim: str | None
    changes: list[str]
    warnings: list[str]
    outputs: list[str]


class VerifiedFile(TypedDict):
    """One file of `verify --json` and `boot-test --json`: what was looked at, what was found."""

    file: str
    ok: bool
    checks: dict[str, str]
    reasons: list[str]


class GuestState(TypedDict):
    """One guest of `status --json`; of a damaged record only name and reasons are known."""

    name: str
    config: str | None
    stale: bool
    reasons: list[str]
    mode: str | None
    shim: str | None
    outputs: list[str]


class RestoredConfig(TypedDict):
    """One config of `restore --json`."""

    config: str
    status: str
    reasons: list[str]


_BuildId = TypedDict("_BuildId", {"build-id": str | None})  # no name that a class could give


class ShimFacts(_BuildId):
    """One shim of `shims list --json`, and `shims show --json`; sizes in bytes."""

    name: str
    version: str | None
    kind: str
    modes: list[str]
    size: int
    sha256: str
    origin: str
    file: str
    hosts: str
    arguments: str
    caveats: list[str]


def scanned(outcome: Outcome) -> ScannedGuest:
    """Return one guest of `scan --json`."""
    match outcome:
        case Planned():
            return _scanned(outcome.config, outcome.parsed.guest, ())
        case Refused():
            return _scanned(outcome.config, outcome.guest, outcome.faults)


def _scanned(config: Path, guest: Guest | None, faults: Iterable[Fault]) -> ScannedGuest:
    reasons = [reason(fault) for fault in faults]
    return {
        "name": guest.name if guest else None,
        "config": str(config),
        "type": guest.type if guest else "unknown",
        "boot": guest.boot.kind if guest else "none",
        "convertible": not reasons,
        "reasons": reasons,
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


def _planned(outcome: Planned, status: str) -> PlannedGuest:
    plan: Plan = outcome.plan
    return {
        **scanned(outcome),
        "status": status,
        "mode": plan.mode,
        "shim": plan.image.shim.name,
        "changes": changes(plan),
        "warnings": list(plan.warnings),
        "outputs": list(plan.files),
    }


def verified(
    file: Path, checks: Iterable[tuple[str, str]], faults: Iterable[Fault]
) -> VerifiedFile:
    """Return one file of `verify --json`."""
    reasons = [reason(fault) for fault in faults]
    return {"file": str(file), "ok": not reasons, "checks": dict(checks), "reasons": reasons}


def state(each: GuestStatus | DamagedRecord) -> GuestState:
    """Return one guest of `status --json`."""
    if isinstance(each, DamagedRecord):
        return {
            "name": printable(each.name),
            "config": None,
            "stale": True,
            "reasons": [reason(each.fault)],
            "mode": None,
            "shim": None,
            "outputs": [],
        }
    return {
        "name": each.record.name,
        "config": each.record.config.path,
        "stale": bool(each.reasons),
        "reasons": list(map(printable, each.reasons)),
        "mode": each.record.mode,
        "shim": each.record.shim,
        "outputs": [output.path for output in each.record.outputs],
    }


def restored(config: Path, faults: Iterable[Fault]) -> RestoredConfig:
    """Return one config of `restore --json`."""
    reasons = [reason(fault) for fault in faults]
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
        "hosts": f"{known.hosts} ({known.hosts_source})",
        "arguments": known.arguments,
        "caveats": list(known.caveats),
    }


_YES = {None: "unknown", True: "yes", False: "no"}


def host(known: Host, mode: Mode, paths: SearchPaths) -> dict[str, Any]:
    """Return what `host` says: this Xen, what it has (releases.yaml), which shims work on it."""
    return {
        "xen": version_name(known),
        "source": known.source,
        "hvm": _YES[known.hvm],
        "mode": mode,
        "profile": facts.release_name(known),
        "has": {fact.value: _YES[facts.has(known, fact)] for fact in Fact},
        "has-sources": facts.sources(known),
        "shims": {
            kind.value: {
                "modes": list(works_in(kind, known)),
                "versions": list(versions_for(kind, known)) or "any",
                "hosts": each.hosts,
            }
            for kind, each in kinds().items()
        },
        "maps": [f"{host_path} is {here}" for host_path, here in paths.maps],
        "kernels": [str(folder) for folder in paths.kernels],
    }
