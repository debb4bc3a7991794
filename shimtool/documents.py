"""Results as plain data: the JSON that scripts read, and the rows that people do."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from shimtool import host as hosts
from shimtool import show
from shimtool.drafts import Outcome
from shimtool.errors import Fault
from shimtool.kernel.paths import Roots
from shimtool.model import Host, Mode


def scanned(outcome: Outcome) -> dict[str, Any]:
    """One guest of `scan --json`."""
    guest = outcome.draft.guest if outcome.draft else None
    return {
        "name": guest.name if guest else None,
        "config": str(outcome.config),
        "type": guest.type if guest else "unknown",
        "boot": guest.boot.kind if guest else "none",
        "convertible": outcome.status != "refused",
        "reasons": [show.reason(fault) for fault in outcome.faults],
    }


def planned(outcome: Outcome) -> dict[str, Any]:
    """One guest of `plan --json` and `convert --json`: what scan says, and what is done."""
    plan = outcome.plan
    return {
        **scanned(outcome),
        "status": outcome.status,
        "mode": plan.mode if plan else None,
        "shim": plan.image.shim.name if plan else None,
        "changes": show.changes(plan) if plan else [],
        "warnings": list(plan.warnings) if plan else [],
        "outputs": list(plan.files) if plan else [],
    }


def scan_rows(outcomes: Iterable[Outcome]) -> list[Sequence[str]]:
    """Rows of `scan`, the head first."""
    rows: list[Sequence[str]] = [("NAME", "TYPE", "BOOT", "CONVERTIBLE", "CONFIG / WHY NOT")]
    for outcome in outcomes:
        facts = scanned(outcome)
        yes = "yes" if facts["convertible"] else "no"
        why = "; ".join(facts["reasons"]) or facts["config"]
        rows.append((facts["name"] or "?", facts["type"], facts["boot"], yes, why))
    return rows


def summary(outcomes: Sequence[Outcome]) -> str:
    """Count what became of the guests."""
    counts = [
        f"{count} {status}"
        for status in ("converted", "unchanged", "refused")
        if (count := sum(outcome.status == status for outcome in outcomes))
    ]
    return ", ".join(counts)


def warnings(outcomes: Iterable[Outcome]) -> list[str]:
    """Each warning once, with the guests it is for."""
    guests: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.plan:
            for text in outcome.plan.warnings:
                guests.setdefault(text, []).append(outcome.plan.guest.name)
    return [show.clean(f"warning: {text} ({_names(names)})") for text, names in guests.items()]


def _names(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def verified(
    file: Path, checks: Iterable[tuple[str, str]], faults: Iterable[Fault]
) -> dict[str, Any]:
    """One file of `verify --json`; `checks` are pairs of what was looked at and what was found."""
    reasons = [show.reason(fault) for fault in faults]
    return {
        "file": str(file),
        "ok": not reasons,
        "checks": dict(checks),
        "reasons": reasons,
    }


def restored(config: Path, faults: Iterable[Fault]) -> dict[str, Any]:
    """One config of `restore --json`."""
    reasons = [show.reason(fault) for fault in faults]
    return {
        "config": str(config),
        "status": "refused" if reasons else "restored",
        "reasons": reasons,
    }


def host(known: Host, mode: Mode, roots: Roots) -> dict[str, Any]:
    """What `host` says."""
    hvm = {None: "unknown", True: "yes", False: "no"}[known.hvm]
    return {
        "xen": hosts.describe(known),
        "source": known.source,
        "hvm": hvm,
        "mode": mode,
        "maps": [f"{host_path} is {here}" for host_path, here in roots.maps],
        "kernels": [str(folder) for folder in roots.kernels],
    }


def words(value: object) -> str:
    """A value for people."""
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
