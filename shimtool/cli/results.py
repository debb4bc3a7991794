"""Results as plain data: the JSON that scripts read, and the rows that people do."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from shimtool.cli import describe
from shimtool.commands.planning import Outcome
from shimtool.commands.status import GuestStatus
from shimtool.dom0 import facts
from shimtool.dom0.detect import version_name
from shimtool.dom0.paths import SearchPaths
from shimtool.dom0.releases import MEANS, Fact
from shimtool.errors import Fault
from shimtool.model import GuestType, Host, Mode
from shimtool.shims.kinds import kinds, versions_for, works_in
from shimtool.text import printable, reason


def scanned(outcome: Outcome) -> dict[str, Any]:
    """One guest of `scan --json`."""
    guest = outcome.draft.guest if outcome.draft else None
    return {
        "name": guest.name if guest else None,
        "config": str(outcome.config),
        "type": guest.type if guest else "unknown",
        "boot": guest.boot.kind if guest else "none",
        "convertible": outcome.status != "refused",
        "reasons": [reason(fault) for fault in outcome.faults],
    }


def planned(outcome: Outcome) -> dict[str, Any]:
    """One guest of `plan --json` and `convert --json`: what scan says, and what is done."""
    plan = outcome.plan
    return {
        **scanned(outcome),
        "status": outcome.status,
        "mode": plan.mode if plan else None,
        "shim": plan.image.shim.name if plan else None,
        "changes": describe.changes(plan) if plan else [],
        "warnings": list(plan.warnings) if plan else [],
        "outputs": list(plan.files) if plan else [],
    }


def scan_rows(guests: Iterable[dict[str, Any]]) -> list[Sequence[str]]:
    """Rows of `scan` from what scanned() gave, the head first."""
    rows: list[Sequence[str]] = [("NAME", "TYPE", "BOOT", "CONVERTIBLE", "CONFIG / WHY NOT")]
    for guest in guests:
        yes = "yes" if guest["convertible"] else "no"
        why = "; ".join(guest["reasons"]) or guest["config"]
        rows.append((guest["name"] or "?", guest["type"], guest["boot"], yes, why))
    return rows


def summary(outcomes: Sequence[Outcome]) -> str:
    """Count what became of the guests."""
    counts = [
        f"{count} {status}"
        for status in ("converted", "unchanged", "refused")
        if (count := sum(outcome.status == status for outcome in outcomes))
    ]
    return ", ".join(counts)


def scan_summary(outcomes: Sequence[Outcome], skipped: Sequence[Path]) -> list[str]:
    """Lines that end a scan: counts, why guests are refused, and which files are no configs."""
    refused = [each for each in outcomes if each.status == "refused"]
    other = [each for each in refused if _not_pv(each)]
    counts = (
        (len(outcomes) - len(refused), "would convert"),
        (len(other), "not PV"),
        (len(refused) - len(other), "refused"),
    )
    lines = [
        f"{_count(len(outcomes), 'guest')}: "
        + ", ".join(f"{count} {what}" for count, what in counts if count),
        *_grouped([each for each in refused if not _not_pv(each)]),
    ]
    if skipped:
        files = _count(len(skipped), "other file")
        lines.append(f"{files} left out, no guest configs: {_names([p.name for p in skipped])}")
    return [printable(line) for line in lines]


def _not_pv(outcome: Outcome) -> bool:
    draft = outcome.draft
    return draft is not None and draft.guest.type in (GuestType.HVM, GuestType.PVH)


def _grouped(refused: Iterable[Outcome], most: int = 20) -> list[str]:
    """Each reason once, the most common first, with the guests it is for."""
    guests: dict[str, list[str]] = {}
    for outcome in refused:
        name = outcome.draft.guest.name if outcome.draft else outcome.config.name
        for message in dict.fromkeys(fault.message for fault in outcome.faults):
            guests.setdefault(message, []).append(name)
    groups = sorted(guests.items(), key=lambda group: -len(group[1]))
    lines = [f"  {len(names)}: {message} ({_names(names)})" for message, names in groups[:most]]
    more = len(groups) - most
    return [*lines, f"  and {_count(more, 'more reason')}"] if more > 0 else lines


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def warnings(outcomes: Iterable[Outcome]) -> list[str]:
    """Each warning once, with the guests it is for."""
    guests: dict[str, list[str]] = {}
    for outcome in outcomes:
        if outcome.plan:
            for text in outcome.plan.warnings:
                guests.setdefault(text, []).append(outcome.plan.guest.name)
    return [printable(f"warning: {text} ({_names(names)})") for text, names in guests.items()]


def _names(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def verified(
    file: Path, checks: Iterable[tuple[str, str]], faults: Iterable[Fault]
) -> dict[str, Any]:
    """One file of `verify --json`; `checks` are pairs of what was looked at and what was found."""
    reasons = [reason(fault) for fault in faults]
    return {
        "file": str(file),
        "ok": not reasons,
        "checks": dict(checks),
        "reasons": reasons,
    }


def standing(each: GuestStatus) -> dict[str, Any]:
    """One guest of `status --json`."""
    return {
        "name": each.record.name,
        "config": each.record.config.path,
        "stale": bool(each.reasons),
        "reasons": list(map(printable, each.reasons)),
        "mode": each.record.mode,
        "shim": each.record.shim,
        "outputs": [output.path for output in each.record.outputs],
    }


def standing_rows(standings: Iterable[GuestStatus]) -> list[Sequence[str]]:
    """Rows of `status`, the head first."""
    rows: list[Sequence[str]] = [("NAME", "STATE", "MODE", "SHIM", "WHY")]
    for each in standings:
        state, why = "stale" if each.reasons else "fresh", "; ".join(each.reasons)
        rows.append((each.record.name, state, each.record.mode, each.record.shim, why))
    return rows


def restored(config: Path, faults: Iterable[Fault]) -> dict[str, Any]:
    """One config of `restore --json`."""
    reasons = [reason(fault) for fault in faults]
    return {
        "config": str(config),
        "status": "refused" if reasons else "restored",
        "reasons": reasons,
    }


_YES = {None: "unknown", True: "yes", False: "no"}


def host(known: Host, mode: Mode, roots: SearchPaths) -> dict[str, Any]:
    """What `host` says: this Xen, what it has (releases.yaml), which kinds of shims work on it."""
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
        "maps": [f"{host_path} is {here}" for host_path, here in roots.maps],
        "kernels": [str(folder) for folder in roots.kernels],
    }


def host_rows(facts: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Rows of `host`: all but the sources, which --json has."""
    for key, value in facts.items():
        if not isinstance(value, dict):
            yield key, words(value)
    for fact, value in facts["has"].items():
        yield value, MEANS[fact]
    for kind, each in facts["shims"].items():
        modes, versions = words(each["modes"]), words(each["versions"])
        yield f"shims {kind}", f"modes: {modes}; versions: {versions}; hosts: {each['hosts']}"


def words(value: object) -> str:
    """A value for people."""
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
