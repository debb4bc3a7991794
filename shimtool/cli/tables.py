"""Results for people: the rows of tables, and the lines that sum up many guests. Prints nothing."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from shimtool.cli.results.documents import GuestState, HostFacts, ScannedGuest, ShimFacts
from shimtool.cli.results.reasons import reason_line
from shimtool.commands.outcomes import Converted, Outcome, Refused, Unchanged
from shimtool.dom0.releases import MEANS
from shimtool.model import Guest, GuestType
from shimtool.text import printable

Row = Sequence[str]
_YES = {None: "unknown", True: "yes", False: "no"}


def scan_rows(guests: Iterable[ScannedGuest]) -> list[Row]:
    """Return the rows of `scan`, the head first."""
    rows: list[Row] = [("NAME", "TYPE", "BOOT", "CONVERTIBLE", "DIFFERS", "CONFIG / WHY NOT")]
    for guest in guests:
        yes = "yes" if guest["convertible"] else "no"
        why = "; ".join(map(reason_line, guest["reasons"])) or guest["config"]
        rows.append((guest["name"] or "?", guest["type"], guest["boot"], yes, differs(guest), why))
    return rows


def differs(guest: ScannedGuest, width: int | None = None) -> str:
    """Return what differs for a guest in `width` characters: what there is no room for is counted.

    "-" for a guest that is not converted, "same" where nothing differs.
    """
    short = [each["short"] for each in guest["differs"]]
    if not short:
        return "same" if guest["convertible"] else "-"
    for kept in range(len(short), 0, -1):
        left = [f"+{len(short) - kept}"] if kept < len(short) else []
        text = ", ".join([*short[:kept], *left])
        if width is None or len(text) <= width:
            return text
    return f"{len(short)} things"


class ScanSummary:
    """What ends a scan; of the guests it keeps no more than that takes."""

    def __init__(self) -> None:
        self.refused: list[Refused] = []
        self._convertible, self._more_memory = 0, 0

    def add(self, outcome: Outcome) -> None:
        """Take one more guest into account."""
        if isinstance(outcome, Refused):
            self.refused.append(outcome)
            return
        plan = outcome.plan
        self._convertible += 1
        self._more_memory += max(0, plan.memory.container - plan.guest.memory)

    def lines(self, skipped: Sequence[Path]) -> list[str]:
        """Return counts, why guests are refused, and which files are no configs."""
        refused = [each for each in self.refused if not _is_not_pv(each)]
        counts = (
            (self._convertible, "would convert"),
            (len(self.refused) - len(refused), "not PV"),
            (len(refused), "refused"),
        )
        lines = [
            f"{_count(self._convertible + len(self.refused), 'guest')}: "
            + ", ".join(f"{count} {what}" for count, what in counts if count),
            *_grouped(refused),
        ]
        if more := self._more_memory:
            lines.append(f"the host gives them {more} MB more than now (--memory keep: nothing)")
        if skipped:
            files = _count(len(skipped), "other file")
            lines.append(f"{files} left out, no guest configs: {_names([p.name for p in skipped])}")
        return [printable(line) for line in lines]


def _is_not_pv(refused: Refused) -> bool:
    return refused.guest is not None and refused.guest.type in (GuestType.HVM, GuestType.PVH)


def _grouped(refused: Sequence[Refused], most: int = 20) -> list[str]:
    """Return each reason once, the most common first, with the guests it is for.

    Nothing for a single guest, as its line has them.
    """
    if len(refused) < 2:
        return []
    guests: dict[str, list[str]] = {}
    for each in refused:
        name = each.guest.name if each.guest else each.config.name
        for message in dict.fromkeys(fault.message for fault in each.faults):
            guests.setdefault(message, []).append(name)
    groups = sorted(guests.items(), key=lambda group: -len(group[1]))
    lines = [f"  {len(names)}: {message} ({_names(names)})" for message, names in groups[:most]]
    more = len(groups) - most
    return [*lines, f"  and {_count(more, 'more reason')}"] if more > 0 else lines


class ConvertSummary:
    """What ends a convert; of the guests it keeps no more than that takes."""

    def __init__(self) -> None:
        self.refused: list[Refused] = []
        self.first_converted: Guest | None = None
        self._counts = {"converted": 0, "unchanged": 0}
        self._warned: dict[str, list[str]] = {}

    def add(self, outcome: Converted | Unchanged | Refused) -> None:
        """Take one more guest into account."""
        match outcome:
            case Refused():
                self.refused.append(outcome)
            case Unchanged():
                self._take("unchanged", outcome.name, outcome.warnings)
            case Converted():
                plan = outcome.planned.plan
                if outcome.status == "converted":
                    self.first_converted = self.first_converted or plan.guest
                texts = [each.text for each in plan.warnings]
                self._take(outcome.status, plan.guest.name, texts)

    @property
    def converted(self) -> int:
        """How many were."""
        return self._counts["converted"]

    def _take(self, status: str, name: str, warnings: Iterable[str]) -> None:
        self._counts[status] += 1
        for text in warnings:
            self._warned.setdefault(text, []).append(name)

    def lines(self) -> list[str]:
        """Return each warning once, with the guests it is for, and what became of how many."""
        counts = {**self._counts, "refused": len(self.refused)}
        return [
            *(printable(f"warning: {text} ({_names(of)})") for text, of in self._warned.items()),
            ", ".join(f"{count} {status}" for status, count in counts.items() if count),
        ]


def status_rows(states: Iterable[GuestState]) -> list[Row]:
    """Return the rows of `status`, the head first."""
    rows: list[Row] = [("NAME", "STATE", "MODE", "SHIM", "WHY")]
    for each in states:
        word = "stale" if each["stale"] else "up to date"
        why = "; ".join(map(reason_line, each["reasons"]))
        rows.append((each["name"], word, each["mode"] or "?", each["shim"] or "?", why))
    return rows


def host_rows(found: HostFacts) -> Iterator[Row]:
    """Yield the rows of `host`, a name and a value each, in --json's order without the sources."""
    yield "xen", found["xen"] or "unknown"
    yield "source", found["source"]
    yield "hvm", _YES[found["hvm"]]
    yield "mode", found["mode"]
    yield "profile", found["profile"]
    for fact, has in found["has"].items():
        yield f"has {fact}", f"{_YES[has]} ({MEANS[fact]})"
    for kind, each in found["shims"].items():
        modes, versions = words(each["modes"]), words(each["versions"] or ["any"])
        yield f"shims {kind}", f"modes: {modes}; versions: {versions}; hosts: {each['hosts']}"
    maps = [f"{each['host']} is {each['here']}" for each in found["maps"]]
    yield from (("map", each) for each in maps or ["none"])
    yield from (("kernels", each) for each in found["kernels"] or ["none"])


def shim_rows(shims: Iterable[ShimFacts]) -> list[Row]:
    """Return the rows of `shims list`, the head first."""
    rows: list[Row] = [("NAME", "VERSION", "KIND", "MODES", "SIZE", "ORIGIN")]
    for each in shims:
        version, size = each["version"] or "unknown", f"{each['size'] / 1e6:.1f} MB"
        row = (each["name"], version, each["kind"], " ".join(each["modes"]), size, each["origin"])
        rows.append(row)
    return rows


def words(value: object) -> str:
    """Return a value as people read it."""
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _names(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
