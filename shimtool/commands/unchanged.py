"""Which guests stand as they were converted, told by times and sizes alone: no file is opened.

A record with a `basis` is of a guest whose outputs follow from three things: the config, the files
it names, and what the basis is a hash of. Where none of these changed, planning it once more would
give what is there.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shimtool.commands.outcomes import Planned, Unchanged
from shimtool.commands.record import boot_loader, changed_outputs
from shimtool.commands.run import Run
from shimtool.dom0.paths import find
from shimtool.errors import ShimtoolError
from shimtool.model import ConfigString, KernelBoot, Mode
from shimtool.model.outputs import DEVICE_MODEL_SCRIPT
from shimtool.output.report import Output, Record, hashed
from shimtool.system.files import Stamp, has_content, stamp_of
from shimtool.system.typed import DamagedDocumentError

if TYPE_CHECKING:  # status finds no configs
    from shimtool.configs.find import Unusable

_PACKAGE = Path(__file__).parents[1]
# What is changed twice within a tick of the kernel's clock (4 ms, 10 on some) has one ctime.
_TICK = 50_000_000  # ns


def basis_of(run: Run) -> str:
    """Hash all that decides any guest's outputs, but for what its record tells of it."""
    to = run.destination
    return hashed(
        run.settings,
        run.host,
        run.search_paths,
        replace(run.shim, modes=frozenset()),
        sorted(run.shim.modes),  # a set is shown in any order
        to.in_place,
        boot_loader(to.assets),
        [_stamp(path) for path in to.assets.pieces()],
        list(_program(_PACKAGE)),
    )


def _program(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yield what tells one shimtool from another of the same version."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name not in ("__pycache__", "docs", "assets"):
            yield from _program(Path(entry.path))
        elif entry.name.endswith((".py", ".yaml", ".json")):
            status = entry.stat()
            yield entry.path, status.st_size, status.st_mtime_ns


def _stamp(path: Path) -> Stamp:
    return stamp_of(path.stat())


def now() -> int:
    """Return the time in ns, for `basis_for`."""
    return time.time_ns()


def basis_for(planned: Planned, basis: str, begun: int) -> str | None:
    """Return the basis for a guest's record: none where there is more that its outputs follow from.

    Of a guest that asks its own boot loader or disk there is. None too for a config that was
    changed less than a tick before the run had `begun`: it may have been once more since.
    """
    guest, image = planned.plan.guest, planned.plan.image
    plain = all(file.inside is None and file.filled is None for file in image.files)
    if not plain or not isinstance(guest.boot, KernelBoot):
        return None
    return basis if _stamp(guest.config)[3] < begun - _TICK else None


class UnchangedGuests:
    """Looks guests up by their configs. One for each run."""

    def __init__(self, run: Run, basis: str) -> None:
        self._before, self._out = run.before, run.destination.folder
        self._search_paths, self._basis = run.search_paths, basis
        # After damage all is looked at: what is mended then is written again.
        in_full = run.settings.force or run.before.damaged
        self._names = {} if in_full else run.before.names()
        self._assets = run.destination.assets
        self._script: bool | None = None
        self._inputs: dict[str, tuple[str, list[int]] | None] = {}

    def __call__(self, config: "Path | Unusable") -> Unchanged | None:
        """Return the guest if it stands; None where that needs a closer look."""
        if not isinstance(config, Path) or (name := self._names.get(str(config))) is None:
            return None
        try:
            return self._of(config, self._before.raw(name))
        except (OSError, DamagedDocumentError, KeyError, TypeError, ValueError):
            return None  # whatever it is: who looks closer says it

    def knows(self, record: Record) -> bool:
        """Whether the guest of this record stands."""
        try:
            return self._stands(Path(record.config.here), self._before.raw(record.name))
        except (OSError, DamagedDocumentError, KeyError, TypeError, ValueError):
            return False

    def _stands(self, config: Path, record: dict[str, Any]) -> bool:
        """Whether a guest does; `record` is its own, as JSON holds it."""
        if record.get("basis") != self._basis or record["config"]["here"] != str(config):
            return False
        if list(_stamp(config)) != record["config"]["stamp"]:
            return False
        for each in record["inputs"]:
            if self._input(each["path"], config) != (each["here"], each["stamp"]):
                return False
        if record["mode"] == Mode.HVM and not self._script_stands():
            return False
        return not changed_outputs([Output(**each) for each in record["outputs"]], self._out)

    def _script_stands(self) -> bool:
        """Whether the script that all HVM guests share is there; looked at once a run."""
        if self._script is None:
            path, data = self._out / DEVICE_MODEL_SCRIPT, self._assets.device_model.read_bytes()
            self._script = has_content(path, data) and path.stat().st_mode & 0o7777 == 0o700
        return self._script

    def _of(self, config: Path, record: dict[str, Any]) -> Unchanged | None:
        if not self._stands(config, record):
            return None
        return Unchanged(
            name=record["name"],
            config=config,
            mode=Mode(record["mode"]),
            shim=record["shim"],
            files=tuple(each["path"] for each in record["outputs"]),
            warnings=tuple(record.get("warnings", ())),
        )

    def _input(self, path: str, config: Path) -> tuple[str, list[int]] | None:
        """Return what dom0's path leads to now, and its stamp; looked up once a run."""
        if path not in self._inputs:
            try:
                here = find(self._search_paths, ConfigString(path, 1), config).path
                self._inputs[path] = str(here), list(_stamp(here))
            except (ShimtoolError, OSError):
                self._inputs[path] = None
        return self._inputs[path]
