"""dom0's paths out of /proc/self/mountinfo, as engines make it."""

from pathlib import Path

import pytest

from shimtool.mounts import dom0_paths, is_mounted, read_mounts

# As docker 20.10 and podman 4.3 showed it, with the main job's three volumes.
TABLE = r"""
111 67 0:40 / / ro,relatime - overlay overlay rw,lowerdir=/x,upperdir=/y,workdir=/z
112 111 0:43 / /dev rw,nosuid,noexec - tmpfs tmpfs rw,size=65536k,mode=755
113 111 254:0 /etc/xen /in ro,relatime - ext4 /dev/vda rw
114 111 254:1 / /kernels ro,relatime - ext4 /dev/vdb rw
115 111 254:0 /var/lib/xen/my\040out /out rw,relatime master:1 - ext4 /dev/vda rw
116 111 254:0 /var/lib/docker/containers/ab/hosts /etc/hosts rw - ext4 /dev/vda rw
""".lstrip()


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text(text)
    return path


def test_what_lies_on_the_file_system_of_etc_xen_is_known(tmp_path: Path) -> None:
    known = dom0_paths(read_mounts(table(tmp_path, TABLE)))
    assert known == (("/etc/xen", "/in"), ("/var/lib/xen/my out", "/out"))


@pytest.mark.parametrize("copy", ["/srv/copy/etc/xen", "/", "/etc", "/etc/xen/auto"])
def test_without_etc_xen_nothing_is_certain(tmp_path: Path, copy: str) -> None:
    assert dom0_paths(read_mounts(table(tmp_path, TABLE.replace("/etc/xen", copy)))) == ()


def test_devtmpfs_is_the_dev_of_dom0(tmp_path: Path) -> None:
    """Whole or a folder of it; a container's own /dev is a tmpfs."""
    more = """\
117 111 0:5 / /dom0/dev ro,relatime shared:2 master:3 - devtmpfs udev rw,size=1k
118 111 0:5 /vg0 /disks ro,relatime - devtmpfs udev rw,size=1k
"""
    known = dom0_paths(read_mounts(table(tmp_path, TABLE + more)))
    assert known[2:] == (("/dev", "/dom0/dev"), ("/dev/vg0", "/disks"))


def test_what_outlives_the_container(tmp_path: Path) -> None:
    mounts = read_mounts(table(tmp_path, TABLE))
    assert is_mounted("/out", mounts)
    assert is_mounted("/out/below", mounts)
    assert not is_mounted("/output", mounts)
    assert not is_mounted("/", mounts)


def test_no_table_and_odd_lines_are_no_trouble(tmp_path: Path) -> None:
    assert read_mounts(tmp_path / "none") == ()
    assert read_mounts(table(tmp_path, "\n1 2\n")) == ()
