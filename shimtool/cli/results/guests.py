"""What became of each guest, config and file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from shimtool.cli.results import documents
from shimtool.cli.results.documents import (
    Change,
    Differing,
    GuestState,
    MemorySizes,
    PlannedGuest,
    RestoredConfig,
    ScannedGuest,
    VerifiedFile,
)
from shimtool.cli.results.reasons import reason
from shimtool.commands.outcomes import Converted, GuestStatus, Outcome, Planned, Refused
from shimtool.errors import Code, Fault, coded
from shimtool.model import Caution, Difference, Guest, GuestType, Plan
from shimtool.output.report import DamagedRecord
from shimtool.text import printable


def _warning(caution: Caution) -> documents.Warning:
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
