"""Blocks that ISOs of one run share, where their file system can: XFS, btrfs.

A file of dom0 on the same file system shares its own (copy_file_range does that). What comes from
elsewhere, like a shim or a separate /boot, is copied for the first guest; the others share that.
"""

import errno
import fcntl
import os
import struct
from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from shimtool.errors import ShimtoolError
from shimtool.model import SourceFile
from shimtool.payload.inputs import same_content_key
from shimtool.system.files import open_regular

if TYPE_CHECKING:  # who writes no ISO need not load it
    from shimtool.output.iso_content import IsoFile

BLOCK = 4096  # XFS and btrfs share whole ones
_FICLONERANGE = 0x4020940D  # linux/fs.h: of a struct file_clone_range, four numbers of 64 bits
# Of file systems that share no blocks, and of a kernel that does not know it of them.
_IMPOSSIBLE = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EXDEV, errno.EINVAL)

_Stamp = tuple[int, int, int, int]


class SharedBlocks:
    """Knows where in this run's ISOs the content of files stands. Safe to share between threads.

    Who may write to --out is trusted: he could replace an ISO as well.
    """

    def __init__(self) -> None:
        self._copies: dict[Hashable, tuple[Path, _Stamp, int]] = {}
        self._possible = True

    def written(
        self, iso: Path, out: BinaryIO, files: Sequence["IsoFile"], places: Mapping[str, int]
    ) -> None:
        """Note what an ISO holds that is whole, and still to be synced and named `iso`."""
        stamp = _stamp_of(os.fstat(out.fileno()))
        for file in files:
            at = places[file.name] + len(file.prefix)
            if file.source is not None and _can_share(file.source, at):
                self._copies[same_content_key(file.source)] = iso, stamp, at

    def clone(self, source: SourceFile, out: BinaryIO, at: int) -> int:
        """Give `out` the blocks that another ISO has of a source; return how many bytes it got.

        They are whole blocks from the source's start on: its last bytes are for the caller.
        """
        found = self._copies.get(same_content_key(source)) if self._possible else None
        if found is None or not _can_share(source, at):
            return 0
        iso, stamp, there = found
        size = source.size // BLOCK * BLOCK
        # It may not have its name yet, or be gone again: then the source is copied.
        with suppress(ShimtoolError), open_regular(iso) as opened:
            if _stamp_of(os.fstat(opened.fileno())) == stamp:
                return size if self._cloned(opened, out, (there, size, at)) else 0
        return 0

    def _cloned(self, iso: BinaryIO, out: BinaryIO, places: tuple[int, int, int]) -> bool:
        try:
            fcntl.ioctl(out, _FICLONERANGE, struct.pack("=qQQQ", iso.fileno(), *places))
        except OSError as error:
            self._possible = error.errno not in _IMPOSSIBLE
            return False
        return True


def _can_share(source: SourceFile, at: int) -> bool:
    """Whether it is a file of dom0's or of ours with whole blocks, and lies at a block's start."""
    ours = source.inside is None and source.filled is None
    return ours and source.size >= BLOCK and at % BLOCK == 0


def _stamp_of(status: os.stat_result) -> _Stamp:
    """Return device, inode, size, mtime: the ctime changes with the name."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
