"""Where a run writes, and what it writes from."""

from pathlib import Path

from shimtool.assets import Assets
from shimtool.deferred import dataclass
from shimtool.output.unpacked import UnpackedKernels


@dataclass(frozen=True, slots=True)
class Destination:
    """The folder of all outputs (--out), and whether the guests' own configs are edited too."""

    folder: Path
    assets: Assets
    unpacked: UnpackedKernels
    in_place: bool = False
