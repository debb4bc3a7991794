"""What /proc/self/mountinfo tells a container about dom0's paths (proc(5): its fields).

A bind mount shows which file system it comes from and which path it has *inside* that, not
where dom0 has the file system mounted. Two are certain:

- that which holds etc/xen is dom0's root, as /etc lies on no other: what else is mounted from
  it has dom0's own path there;
- devtmpfs is dom0's /dev (Linux has one of it, and containers get a tmpfs of their own).
"""

import os
import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from shimtool.deferred import dataclass

CONFIGS = "/etc/xen"
_DEVICES = "devtmpfs"
# Container engines mount files of their own there, from wherever they keep them.
_ENGINES = ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/run/.containerenv")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount: `device` (major:minor), `root` (path inside its file system), `point` (here).

    `kind` is the file system's type, such as ext4.
    """

    device: str
    root: str
    point: str
    kind: str


def read_mounts(table: Path = Path("/proc/self/mountinfo")) -> tuple[Mount, ...]:
    """Return the mounts of this process, later ones last; none where there is no such table."""
    try:
        lines = table.read_bytes().splitlines()
    except OSError:
        return ()
    # Any number of optional fields stands before " - ", and the type after it.
    halves = [line.partition(b" - ") for line in lines]
    rows = [(*left.split()[2:5], *right.split()[:1]) for left, _, right in halves]
    return tuple(Mount(*map(_plain, row)) for row in rows if len(row) == len(fields(Mount)))


def dom0_paths(mounts: Iterable[Mount]) -> tuple[tuple[str, str], ...]:
    """Return (dom0's path, path here) of what is mounted, where that is certain."""
    mounts = tuple(mounts)
    roots = {mount.device for mount in mounts if mount.root == CONFIGS}
    known = [mount for mount in mounts if mount.device in roots and mount.point not in _ENGINES]
    devices = [mount for mount in mounts if mount.kind == _DEVICES]
    return (
        *((mount.root, mount.point) for mount in known),
        *(("/dev" + mount.root.rstrip("/"), mount.point) for mount in devices),
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
