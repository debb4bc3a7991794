"""Reading and planning of all guests: one bad guest never stops the others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shimtool.commands.run import Session
from shimtool.configs.find import Unusable
from shimtool.configs.parse import Config, open_config
from shimtool.errors import Fault, Location, ShimtoolError, os_errors_as_faults
from shimtool.model import Guest, GuestType, Payload, Plan
from shimtool.output.originals import original_of
from shimtool.payload.gather import gather
from shimtool.plan.plan import payload_independent_faults
from shimtool.plan.plan import plan as plan_guest
from shimtool.plan.refusals import not_pv
from shimtool.text import diff


@dataclass(frozen=True, slots=True)
class ParsedGuest:
    """A guest as read, with the config to edit."""

    guest: Guest
    config: Config


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one config."""

    config: Path
    status: Literal["planned", "converted", "unchanged", "refused"]
    draft: ParsedGuest | None = None
    plan: Plan | None = None
    faults: tuple[Fault, ...] = ()


def read_guests(configs: Iterable[Path | Unusable], out: Path) -> Iterator[Outcome | ParsedGuest]:
    """Read configs; those that cannot be read, or share a name, come back as refused.

    A config converted in place is read as it was before, from its original in `out`.
    """
    outcomes = [_read(config, out) for config in configs]
    names: dict[str, list[Path]] = {}
    for each in outcomes:
        if isinstance(each, ParsedGuest):
            names.setdefault(each.guest.name, []).append(each.guest.config)
    for each in outcomes:
        if isinstance(each, ParsedGuest) and len(same := names[each.guest.name]) > 1:
            yield refused(each.guest.config, [_same_name(each.guest, same)], each)
        else:
            yield each


def _read(config: Path | Unusable, out: Path) -> Outcome | ParsedGuest:
    if isinstance(config, Unusable):
        return refused(config.path, [config.fault])
    try:
        with os_errors_as_faults("read", config):
            opened = open_config(config)
            if opened.ours:
                opened = original_of(opened, out)
            return ParsedGuest(opened.guest(), opened)
    except ShimtoolError as error:
        return refused(config, error.faults)


def _same_name(guest: Guest, configs: Sequence[Path]) -> Fault:
    return Fault(
        f"{len(configs)} configs describe a guest of this name: their outputs would collide",
        Location(guest.config, guest.keys.get("name")),
        ", ".join(map(str, configs)),
        "rename one, or name the config to convert on the command line",
    )


def plan_guests(configs: Iterable[Path | Unusable], session: Session) -> Iterator[Outcome]:
    """Plan every config, one outcome each."""
    for draft in read_guests(configs, session.out):
        yield draft if isinstance(draft, Outcome) else make_plan(session, draft)


def make_plan(session: Session, draft: ParsedGuest) -> Outcome:
    """Find the guest's files and plan; a refusal carries every reason."""
    guest = draft.guest
    try:
        with os_errors_as_faults("read", guest.config):
            found = _gathered(session, guest)
        planned = plan_guest(guest, found, session.shim, session.host, session.settings)
    except ShimtoolError as error:
        return refused(guest.config, error.faults, draft)
    return Outcome(guest.config, "planned", draft, planned)


def _gathered(session: Session, guest: Guest) -> Payload:
    """Find the guest's files; when some are missing, say what else is wrong with it too."""
    if guest.type is not GuestType.PV:
        raise ShimtoolError(not_pv(guest))
    try:
        return gather(guest, session.roots, session.sources, session.assets, session.settings)
    except ShimtoolError as error:
        others = payload_independent_faults(guest, session.host, session.shim, session.settings)
        raise ShimtoolError(*others, *error.faults) from None


def refused(config: Path, faults: Iterable[Fault], draft: ParsedGuest | None = None) -> Outcome:
    """Build a refusal."""
    return Outcome(config, "refused", draft, None, tuple(faults))


def new_config(outcome: Outcome) -> bytes:
    """Return the bytes of the guest's new config."""
    assert outcome.draft and outcome.plan  # noqa: S101 - planned outcomes have both
    return outcome.draft.config.converted(outcome.plan)


def config_diff(outcome: Outcome) -> str:
    """Return what changes in the config, as a unified diff."""
    assert outcome.draft  # noqa: S101 - planned outcomes have one
    draft = outcome.draft
    return diff(draft.config.data, new_config(outcome), str(outcome.config), draft.guest.new_config)
