"""Reading and planning of all guests: one bad guest never stops the others.

path --read_guests--> ParsedGuest | Refused
ParsedGuest --plan_guest--> Planned | Refused
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from shimtool.commands.outcomes import (
    Outcome,
    ParsedGuest,
    Planned,
    Refused,
    Unchanged,
    done_or_refused,
)
from shimtool.commands.run import Run
from shimtool.configs.find import Unusable
from shimtool.configs.parse import open_config
from shimtool.deferred import dataclass
from shimtool.errors import (
    Code,
    Fault,
    ShimtoolError,
    coded,
    faults_coded,
    os_errors_as_faults,
)
from shimtool.model import Guest, Payload
from shimtool.output.originals import original_of
from shimtool.payload.gather import gather
from shimtool.plan import bootloader
from shimtool.plan.plan import payload_independent_faults, plan
from shimtool.plan.refusals import not_pv
from shimtool.system.files import changed_error


def plan_guests(configs: Iterable[Path | Unusable], run: Run) -> Iterator[Outcome]:
    """Plan every config, one outcome each, in order."""
    for each in read_guests(configs, run.destination.folder):
        yield each if isinstance(each, Refused) else plan_guest(run, each)


def read_guests(configs: Iterable[Path | Unusable], out: Path) -> Iterator[ParsedGuest | Refused]:
    """Read configs; those that cannot be read, or share a name, come back as refused.

    A config converted in place is read as it was before, from its original in `out`.
    """
    for each in read_changed(configs, out, lambda _config: None):
        if not isinstance(each, Unchanged):
            yield each


def read_changed(
    configs: Iterable[Path | Unusable],
    out: Path,
    unchanged: Callable[[Path | Unusable], Unchanged | None],
) -> Iterator[ParsedGuest | Unchanged | Refused]:
    """Read configs as read_guests does, but for those that `unchanged` knows."""
    kept, names = 0, dict[str, list[Path]]()
    found: list[ParsedGuest | Unchanged | Refused | _Later] = []
    for config in configs:
        each: ParsedGuest | Unchanged | Refused | _Later = unchanged(config) or _read(config, out)
        if isinstance(each, ParsedGuest) and (kept := kept + 1) > _MOST_KEPT:
            each = _Later(each.name, each.guest.config)
        if not isinstance(each, Refused):
            names.setdefault(each.name, []).append(_config_of(each))
        found.append(each)
    found.reverse()
    while found:  # what is done need not be held
        each = found.pop()
        if not isinstance(each, Refused) and len(same := names[each.name]) > 1:
            yield _refused_name(each, same, out)
        else:
            yield _again(each, out) if isinstance(each, _Later) else each


_MOST_KEPT = 5000  # guests held as they were read: 5 KB each


@dataclass(frozen=True, slots=True)
class _Later:
    """A guest that is read once more when it is its turn: there are too many to hold."""

    name: str
    config: Path


def _config_of(each: ParsedGuest | Unchanged | _Later) -> Path:
    return each.guest.config if isinstance(each, ParsedGuest) else each.config


def _again(each: _Later, out: Path) -> ParsedGuest | Refused:
    found = _read(each.config, out)
    if isinstance(found, ParsedGuest) and found.name != each.name:
        return Refused(each.config, changed_error(each.config).faults)
    return found


def _refused_name(
    each: ParsedGuest | Unchanged | _Later, same: Sequence[Path], out: Path
) -> Refused:
    found = each if isinstance(each, ParsedGuest) else _read(_config_of(each), out)
    if isinstance(found, Refused):
        return found
    return Refused(found.guest.config, (_same_name(found.guest, same),), found.guest)


def _read(config: Path | Unusable, out: Path) -> ParsedGuest | Refused:
    if isinstance(config, Unusable):
        return Refused(config.path, tuple(coded(Code.CONFIG, [config.fault])))

    def parse() -> ParsedGuest:
        with faults_coded(Code.CONFIG), os_errors_as_faults("read", config):
            opened = open_config(config)
            if opened.ours:
                opened = original_of(opened, out)
            return ParsedGuest(opened.guest(), opened)

    return done_or_refused(parse, config)


def _same_name(guest: Guest, configs: Sequence[Path]) -> Fault:
    return guest.fault(
        "name",
        f"{len(configs)} configs describe a guest of this name: their outputs would collide",
        ", ".join(map(str, configs)),
        "rename one, or name the config to convert on the command line",
        Code.NAME_TAKEN,
    )


def plan_guest(run: Run, parsed: ParsedGuest) -> Outcome:
    """Find the guest's files, plan, and render its new config; a refusal has every reason."""
    guest = parsed.guest

    def work() -> Planned:
        with faults_coded(Code.KERNEL), os_errors_as_faults("read", guest.config):
            payload = _gathered(run, guest)
        planned = plan(guest, payload, run.shim, run.host, run.settings)
        return Planned(parsed, planned, parsed.config.converted(planned))

    return done_or_refused(work, guest.config, guest)


def _gathered(run: Run, guest: Guest) -> Payload | None:
    """Find the guest's files; when some are missing, say what else is wrong with it too.

    None where its own boot loader stays.
    """
    if fault := not_pv(guest, run.host):
        raise ShimtoolError(fault)
    if bootloader.stays(guest, run.host, run.settings):
        return None
    try:
        return gather(guest, run.search_paths, run.inputs, run.destination.assets, run.settings)
    except ShimtoolError as error:
        others = payload_independent_faults(guest, run.host, run.shim, run.settings)
        told = {(fault.message, fault.where) for fault in others}
        more = [fault for fault in error.faults if (fault.message, fault.where) not in told]
        raise ShimtoolError(*others, *more) from None
