"""What scan and plan begin with: the guests that were named, planned."""

from collections.abc import Iterator
from pathlib import Path

from shimtool.commands.outcomes import Outcome
from shimtool.commands.run import Run, open_run
from shimtool.commands.settings import GuestSettings
from shimtool.configs.find import Found, find_configs
from shimtool.shims.catalogue import verify


def planned(
    configs: list[Path] | None, settings: GuestSettings
) -> tuple[Run, Found, Iterator[Outcome]]:
    """Return the run, what was found, and an outcome for each config.

    Raises as `open_run` does, and for a shim that is not the one that was recorded.
    """
    run = open_run(settings)
    found = find_configs(configs or [], settings.in_dir, run.search_paths)
    if not found.configs:
        return run, found, iter(())
    from shimtool.commands.planning import plan_guests  # noqa: PLC0415 - takes 15 ms

    verify(run.shim)
    return run, found, plan_guests(found.configs, run)
