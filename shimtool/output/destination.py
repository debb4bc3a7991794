"""Where a run writes, and what it writes from."""

from dataclasses import field
from pathlib import Path
from threading import Lock

from shimtool.assets import Assets
from shimtool.deferred import dataclass
from shimtool.output.shared_blocks import SharedBlocks
from shimtool.output.unpacked import UnpackedKernels
from shimtool.system.files import Stamp


@dataclass(frozen=True, slots=True)
class Destination:
    """The folder of all outputs (--out), and whether the guests' own configs are edited too.

    `whole` are files that guests share, as they were when they were found to be whole; `sharing` is
    held by who writes some. `blocks` are those that their ISOs have in common.
    """

    folder: Path
    assets: Assets
    unpacked: UnpackedKernels
    in_place: bool = False
    whole: dict[Path, Stamp] = field(default_factory=dict, compare=False)
    sharing: Lock = field(default_factory=Lock, compare=False)
    blocks: SharedBlocks = field(default_factory=SharedBlocks, compare=False)
