"""Folders in which another user could exchange something are told from those in which none can."""

import os
import struct
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shimtool.errors import ShimtoolError
from shimtool.system.ownership import own_folder, own_path
from tests.support.cli import forked

TENANT, GROUP = 12345, 54321  # nobody's here


def accepted(check: Callable[[Path], Path], path: Path, user: int | None = None) -> bool:
    """Ask in a child which becomes `user`, as the answer depends on who asks."""

    def ask() -> None:
        if user is not None:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
        try:
            check(path)
        except ShimtoolError:
            raise SystemExit(1) from None

    done = forked(ask)
    assert done.code in (0, 1), done
    return done.code == 0


@pytest.fixture
def top() -> Iterator[Path]:
    """A folder that every user reaches, on the way to none of pytest's own."""
    with tempfile.TemporaryDirectory() as made:
        path = Path(made)
        path.chmod(0o755)
        yield path


def folder(path: Path, mode: int = 0o755, user: int = 0, group: int = 0) -> Path:
    path.mkdir()
    os.chown(path, user, group)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("mode", "user", "group", "good"),
    [
        (0o755, 0, 0, True),
        (0o700, 0, GROUP, True),
        (0o775, 0, 0, True),  # group root
        (0o775, 0, GROUP, False),
        (0o757, 0, 0, False),
        (0o1777, 0, 0, False),  # others can add what is not there yet
        (0o700, TENANT, 0, False),
    ],
)
def test_who_may_write(top: Path, mode: int, user: int, group: int, good: bool) -> None:
    assert accepted(own_folder, folder(top / "out", mode, user, group)) == good


@pytest.mark.parametrize(
    ("mode", "user", "child", "good"),
    [
        (0o1777, 0, 0, True),  # /tmp/x
        (0o1777, 0, TENANT, False),
        (0o777, 0, 0, False),
        (0o775, 0, 0, True),
        (0o755, TENANT, 0, False),
        (0o1755, TENANT, 0, False),  # the sticky bit binds no owner
    ],
)
def test_who_may_rename_it(top: Path, mode: int, user: int, child: int, good: bool) -> None:
    parent = folder(top / "parent", mode, user)
    out = folder(parent / "out", 0o700, child)
    assert accepted(own_path, out / "file") == good


def test_what_is_not_there_yet_can_be_made_by_others_below_a_sticky_bit(top: Path) -> None:
    parent = folder(top / "parent", 0o1777)
    assert not accepted(own_path, parent / "new" / "out")
    assert accepted(own_path, folder(top / "shut") / "new" / "out")


@pytest.mark.parametrize("target", ["../shut/out", "ABSOLUTE"])
def test_a_link_in_anothers_folder_leads_nowhere_safe(top: Path, target: str) -> None:
    out = folder(folder(top / "shut") / "out")
    tenants = folder(top / "tenants", user=TENANT)
    link = tenants / "link"
    link.symlink_to(str(out) if target == "ABSOLUTE" else target)
    assert link.resolve() == out
    assert not accepted(own_path, link)
    own = top / "link"
    own.symlink_to(out)
    assert accepted(own_path, own)
    assert own_path(own) == out


def test_a_way_back_out_of_anothers_folder(top: Path) -> None:
    """The folder that ".." leads out of can be a link by the time that it is used."""
    folder(top / "tenants", user=TENANT)
    folder(top / "tenants" / "x")
    folder(top / "out")
    assert not accepted(own_path, Path(f"{top}/tenants/x/../../out"))


def test_users_have_folders_of_their_own(top: Path) -> None:
    own = folder(top / "home", 0o775, TENANT, TENANT)  # umask 002, a private group
    assert accepted(own_folder, own, TENANT)
    assert not accepted(own_folder, own)
    assert not accepted(own_folder, own, TENANT + 1)
    assert not accepted(own_folder, folder(top / "shared", 0o775, TENANT, GROUP), TENANT)
    assert accepted(own_folder, folder(top / "roots"), TENANT)


def test_an_access_control_list_counts(top: Path) -> None:
    out = folder(top / "out")
    # version 2: user::rwx user:12345:rwx group::r-x mask::rwx other::r-x
    entries = [(1, 7, -1), (2, 7, TENANT), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
    packed = b"".join(struct.pack("<HHi", *entry) for entry in entries)
    os.setxattr(out, "system.posix_acl_access", (2).to_bytes(4, "little") + packed)
    assert not accepted(own_folder, out)


def test_links_without_end(top: Path) -> None:
    (top / "loop").symlink_to("loop")
    with pytest.raises(ShimtoolError, match="too many links"):
        own_path(top / "loop" / "out")
