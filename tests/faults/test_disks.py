"""Disks that are full, read-only or broken: a plain error, old outputs whole, later it works."""

import errno
import resource
from pathlib import Path

import pytest

from tests.faults import mounts
from tests.faults.scenarios import IN_PLACE, STORIES, Stage, upgrade
from tests.support.cli import Result
from tests.support.dom0 import Dom0

MIB = 1 << 20


def refused(ended: Result, *words: str) -> None:
    assert ended.code == 1, ended
    assert "Traceback" not in ended.said
    assert "error: " in ended.said
    for word in words:
        assert word in ended.said, ended.said


# What the three ISOs take: 8, 8 and 8 MB; the last disk has no room but for them.
@pytest.mark.parametrize("size", [4, 8, 100, 1000, 5000, 8000, 9000, 12_000, 16_000, 20_000])
def test_full(stage: Stage, size: int) -> None:
    stage.rewind()
    with mounts.tmpfs(stage.dom0.out, size):
        refused(stage.run(), "No space left on device", "free some space there")
        stage.check_interrupted()
        assert not list(stage.dom0.out.glob(".shimtool-*"))
        mounts.resize(stage.dom0.out, 64_000)
        assert stage.run().code == 0
        stage.check_finished()


@pytest.mark.parametrize("room", [0, 1000, 4000, 20_000])
def test_full_over_older_outputs(tmp_path: Path, room: int) -> None:
    """The old ISOs stay until new ones are complete."""
    stage = Stage(Dom0(tmp_path / "dom0"), STORIES["again"])
    stage.rewind()
    files = {path: path.read_bytes() for path in stage.dom0.out.iterdir()}
    used = sum(-(-len(data) // 4096) * 4 for data in files.values())
    with mounts.tmpfs(stage.dom0.out, used + room):
        for path, data in files.items():
            path.write_bytes(data)
        ended = stage.run()
        if room < 20_000:
            refused(ended, "No space left on device")
        stage.check_interrupted()
        mounts.resize(stage.dom0.out, 64_000)
        assert stage.run().code == 0
        stage.check_finished()


def test_full_for_the_configs_of_in_place(tmp_path: Path) -> None:
    """The config's own disk takes no more: it stays, and so does all else."""
    stage = Stage(Dom0(tmp_path / "dom0"), STORIES["in-place"])
    stage.rewind()
    configs = {path: path.read_bytes() for path in stage.dom0.configs.iterdir()}
    with mounts.tmpfs(stage.dom0.configs, 12):
        for path, data in configs.items():
            path.write_bytes(data)
        refused(stage.run(), "No space left on device", str(stage.dom0.configs))
        assert {path: path.read_bytes() for path in stage.dom0.configs.iterdir()} == configs
        assert set(stage.dom0.written()) <= {"shimtool-dm"}
        mounts.resize(stage.dom0.configs, 1000)
        assert stage.run().code == 0
        stage.check_finished()


def test_files_of_limited_size(stage: Stage) -> None:
    """ulimit -f: as on file systems that cannot hold larger files."""
    stage.rewind()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, before[1]))
    try:
        refused(stage.run(), "File too large", ".iso")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    stage.check_interrupted()
    assert stage.run().code == 0
    stage.check_finished()


@pytest.mark.parametrize("command", [("convert",), IN_PLACE, ("restore",)])
def test_read_only_outputs(tmp_path: Path, command: tuple[str, ...]) -> None:
    stage = Stage(Dom0(tmp_path / "dom0"), STORIES["restore"])
    stage.rewind()
    upgrade(stage.dom0)
    with mounts.read_only(stage.dom0.out):
        refused(stage.run(command), "Read-only file system", "mount it writable (-v DIR:/out")
        assert stage.files() == stage.before
        assert stage.run(("status",)).code == 1  # reading is fine
    assert stage.run(command).code == 0


def test_the_kernel_cannot_be_read(stage: Stage) -> None:
    """EIO in the midst of a file, of the real file system: the others are converted."""
    stage.rewind()
    kernel = stage.dom0.boot / "vmlinuz"
    with mounts.unreadable(kernel, 256 << 10):
        with pytest.raises(OSError, match="Input/output error") as caught:
            kernel.read_bytes()
        assert caught.value.errno == errno.EIO
        ended = stage.run()
        refused(ended, "Input/output error", "check the disk", "two: converted", str(kernel))
        assert set(stage.dom0.written()) == {"shimtool-dm", "two.iso", "two.cfg"}
    kernel.with_name("vmlinuz.below").replace(kernel)
    assert stage.run().code == 0
    stage.check_finished()


def test_the_config_cannot_be_read(stage: Stage) -> None:
    stage.rewind()
    config = stage.dom0.configs / "two.cfg"
    config.write_text(config.read_text() + "#" * 500_000)
    with mounts.unreadable(config, 300 << 10):
        refused(stage.run(), "Input/output error", f"{config}", "one: converted")
    assert "two.iso" not in stage.dom0.written()
