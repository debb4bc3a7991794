"""What convert will take on disk, and what there is."""

import os
from dataclasses import field
from pathlib import Path

from shimtool.assets import Assets
from shimtool.commands.outcomes import Planned
from shimtool.deferred import dataclass
from shimtool.output.guest import sizes


@dataclass(slots=True)
class DiskSpace:
    """Sums up the files of planned guests in `folder` (--out); what they share counts once."""

    folder: Path
    assets: Assets
    guests: int = 0
    _sizes: dict[str, int] = field(default_factory=dict)

    def add(self, planned: Planned) -> None:
        """Count a guest's files."""
        self.guests += 1
        self._sizes |= sizes(planned.plan, planned.new_config, self.assets)

    @property
    def needed(self) -> int:
        """How many bytes they take together."""
        return sum(self._sizes.values())

    @property
    def free(self) -> int | None:
        """How many bytes may still be written there, or where the folder will be made.

        None where that cannot be seen: nothing depends on it.
        """
        try:
            folder = self.folder.absolute()
            found = os.statvfs(next(each for each in (folder, *folder.parents) if each.exists()))
        except OSError:
            return None
        return found.f_bavail * found.f_frsize
