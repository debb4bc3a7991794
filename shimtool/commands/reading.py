"""Reading of all guests: one bad config never stops the others.

path --read_guests--> ParsedGuest | Refused
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from shimtool.commands.outcomes import (
    ParsedGuest,
    Refused,
    Unchanged,
    done_or_refused,
)
from shimtool.configs.find import Unusable
from shimtool.deferred import dataclass
from shimtool.errors import (
    Code,
    Fault,
    coded,
    faults_coded,
    os_errors_as_faults,
)
from shimtool.model import Guest
from shimtool.system.files import changed_error


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

    # All that reads configs takes 10 ms to load, and a host of guests that stand needs it not.
    from shimtool.configs.parse import open_config  # noqa: PLC0415
    from shimtool.output.originals import original_of  # noqa: PLC0415

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
