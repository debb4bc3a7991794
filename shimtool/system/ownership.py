"""Who else could put another file in a place: asked before root writes there or runs what is there.

Checked from / down: where every folder up to one is beyond the reach of others, so is what that
one holds, and nothing that was checked can be exchanged afterwards.
"""

import grp
import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from shimtool.errors import ShimtoolError, fault

_MOST_LINKS = 40  # as Linux
_WHOLE = ["0", "0", "4294967295"]  # /proc/self/uid_map where there is no user namespace
_ACL = "system.posix_acl_access"


def own_path(path: Path) -> Path:
    """Return `path` without links, which nobody else than root and this user can make another.

    What does not exist yet is left as it stands. Raises ShimtoolError naming the folder in which
    others could exchange a part of the way, and OSError.
    """
    for folder, entry, status in _way(path):
        if why := _exchangeable(folder, status):
            raise _refusal(folder, why, f"{entry} could be exchanged")
    return Path(os.path.realpath(path))


def own_folder(folder: Path, *, parents: bool = True) -> Path:
    """The same of a folder in which nobody else can write either, not even below a sticky bit."""
    real = own_path(folder) if parents else Path(os.path.realpath(folder))
    if why := _writable(real):
        raise _refusal(real, why, "what is written there could be exchanged")
    return real


def _way(path: Path) -> Iterator[tuple[Path, Path, os.stat_result | None]]:
    """Yield each (folder, entry in it, its status) on the way to `path`, links followed."""
    place, links = Path("/"), 0
    rest = list(reversed(path.absolute().parts[1:]))
    while rest:
        name = rest.pop()
        if name == "..":
            place = place.parent
            continue
        entry = place / name
        try:
            status = os.lstat(entry)
        except FileNotFoundError:
            yield place, entry, None
            return
        yield place, entry, status
        if not stat.S_ISLNK(status.st_mode):
            place = entry
            continue
        links += 1
        if links > _MOST_LINKS:
            raise fault("too many links on the way", path)
        target = Path(os.readlink(entry))  # noqa: PTH115 - takes no part of the path away
        place = Path("/") if target.is_absolute() else place
        rest += reversed(target.parts[target.is_absolute() :])


def _exchangeable(folder: Path, entry: os.stat_result | None) -> str | None:
    """Say who else could rename what is in the folder; a sticky bit guards what is not theirs."""
    status = folder.stat()
    if status.st_mode & stat.S_ISVTX and entry and _trusted(entry.st_uid):
        return None if _trusted(status.st_uid) else _owner(status)
    return _writable(folder)


def _writable(folder: Path) -> str | None:
    """Say who else may write to the folder."""
    status = folder.stat()
    if not _trusted(status.st_uid):
        return _owner(status)
    if status.st_mode & stat.S_IWOTH:
        return "everybody can write to it"
    if status.st_mode & stat.S_IWGRP:  # with an ACL, the most that anybody named in it may do
        if _ACL in os.listxattr(folder):
            return "its access control list lets others write to it"
        if not _own_group(status.st_gid):
            return f"group {status.st_gid} can write to it"
    return None


def _owner(folder: os.stat_result) -> str:
    return f"it belongs to user {folder.st_uid}"


def _trusted(uid: int) -> bool:
    return uid in (0, os.geteuid()) or (uid == _unmapped())


def _unmapped() -> int | None:
    """Return whom a user namespace shows in place of those outside of it, of root first of all."""
    try:
        if Path("/proc/self/uid_map").read_text().split() == _WHOLE:
            return None
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return None


def _own_group(gid: int) -> bool:
    """Whether the group has no member but root or this user (a private group, as umask 002 has)."""
    if gid == 0:
        return True
    if gid != os.getegid():
        return False
    try:
        name, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(gid)
    except KeyError:
        return True  # a container's --user 1000:1000
    return group.gr_name == name and set(group.gr_mem) <= {name}


def _refusal(folder: Path, why: str, so: str) -> ShimtoolError:
    return fault(
        f"others can change what is in this folder: {so}",
        folder,
        seen=why,
        remedy=f"take a folder of your own, or: chown {os.geteuid()} {folder}; chmod go-w {folder}",
    )
