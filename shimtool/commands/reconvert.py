"""`convert --stale`: what status calls stale is made again, each guest with its own options."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from shimtool.commands.convert import convert
from shimtool.commands.outcomes import Converted, GuestStatus, Refused, Unchanged
from shimtool.commands.progress import NO_PROGRESS, Progress
from shimtool.commands.settings import ConvertSettings
from shimtool.commands.status import status
from shimtool.errors import UsageError
from shimtool.output.report import Record


def reconvert(
    wanted: Sequence[Path],
    settings: ConvertSettings,
    progress: Progress = NO_PROGRESS,
    *,
    in_full: bool = True,
) -> Iterator[Converted | Unchanged | Refused]:
    """Convert again the guests whose outputs are stale, as convert() does.

    `wanted` are configs, or names of guests; none means all. Of `settings` only --out and --jobs
    count: the others are those that each guest was converted with.
    """
    for records in _alike(wanted, settings.out):
        configs = [Path(each.config.here) for each in records]
        try:
            own = ConvertSettings.from_record(records[0].options, settings.out)
        except UsageError as error:
            yield from (Refused(config, error.faults) for config in configs)
        else:
            yield from convert(configs, replace(own, jobs=settings.jobs), progress, in_full=in_full)


def _alike(wanted: Sequence[Path], out: Path) -> list[list[Record]]:
    """Group the stale guests by their options: one run each."""
    groups: dict[str, list[Record]] = {}
    for each in status(wanted, out):
        if isinstance(each, GuestStatus) and each.reasons:
            key = repr(sorted(each.record.options.items()))
            groups.setdefault(key, []).append(each.record)
    return list(groups.values())
