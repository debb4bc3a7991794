"""What a name stands for may be exchanged while it is opened: no device is opened for it."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool.errors import ShimtoolError
from shimtool.payload.guest_disk.device import open_devices
from shimtool.system import activity
from shimtool.system.files import open_named, open_regular
from tests.support.cli import forked

CONTENT = b"what was meant"


def regular(path: Path) -> bytes:
    with open_regular(path) as source:
        return source.read()


def named(path: Path) -> bytes:
    with open_named(path) as source:
        return source.read()


def disk(path: Path) -> bytes:
    with open_devices([path]) as (descriptor,):
        return os.pread(descriptor, 100, 0)


WAYS = pytest.mark.parametrize("read", [regular, named, disk])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tenant" / "disk"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    return path


@WAYS
def test_a_folder_exchanged_for_a_link_to_devices(
    path: Path, read: Callable[[Path], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = path.parent.with_name("devices")
    devices.mkdir()
    os.mknod(devices / path.name, stat.S_IFCHR | 0o600, os.makedev(1, 3))

    def exchange(_verb: str, _what: str) -> None:  # told when it has been looked at
        path.parent.rename(path.parent.with_name("kept"))
        path.parent.symlink_to(devices)

    monkeypatch.setattr(activity, "_listeners", [exchange])
    assert read(path) == CONTENT


@WAYS
def test_where_proc_is_not_mounted(path: Path, read: Callable[[Path], bytes]) -> None:
    def deed() -> None:
        os.chroot(path.parent)
        assert read(Path("/", path.name)) == CONTENT

    done = forked(deed)
    assert not done.code, done.said


@pytest.mark.parametrize(("read", "why"), [(regular, "is a symbolic link"), (disk, "is neither")])
def test_links_are_not_followed(path: Path, read: Callable[[Path], bytes], why: str) -> None:
    link = path.with_name("link")
    link.symlink_to(path.name)
    with pytest.raises(ShimtoolError, match=why):
        read(link)
    assert named(link) == CONTENT
