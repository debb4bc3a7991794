"""What /proc/self/mountinfo tells a container about dom0's paths (proc(5): its fields).

A bind mount shows which file system it comes from and which path it has *inside* that, not
where dom0 has the file system mounted. One is certain: that which holds etc/xen is dom0's root,
as /etc lies on no other. What else is mounted from it has dom0's own path there.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_CONFIGS = "/etc/xen"
# Container engines mount files of their own there, from wherever they keep them.
_ENGINES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount: `device` (major:minor), `root` (path inside its file system), `point` (here)."""

    device: str
    root: str
    point: str


def read_mounts(table: Path = Path("/proc/self/mountinfo")) -> tuple[Mount, ...]:
    """Return the mounts of this process, later ones last; none where there is no such table."""
    try:
        lines = table.read_bytes().splitlines()
    except OSError:
        return ()
    rows = [line.split() for line in lines]
    return tuple(Mount(*map(_plain, row[2:5])) for row in rows if len(row) > 4)


def dom0_paths(mounts: Iterable[Mount]) -> tuple[tuple[str, str], ...]:
    """Return (dom0's path, path here) of what is mounted, where that is certain."""
    mounts = tuple(mounts)
    roots = {mount.device for mount in mounts if mount.root == _CONFIGS}
    return tuple(
        (mount.root, mount.point)
        for mount in mounts
        if mount.device in roots and mount.point not in _ENGINES
    )


def is_mounted(path: str, mounts: Iterable[Mount]) -> bool:
    """Whether `path` lies on a mount other than the root, and so outlives the container."""
    real = os.path.realpath(path)
    return any(
        real == mount.point or real.startswith(f"{mount.point}/")
        for mount in mounts
        if mount.point != "/"
    )


def _plain(field: bytes) -> str:
    r"""Undo the octal escapes (\040 for a blank) of a field."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), field))
