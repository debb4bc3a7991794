"""Disks that are full, read-only or broken: a plain error, old outputs whole, later it works."""

import errno
import resource
from pathlib import Path

import pytest

from tests.faults import mounts
from tests.faults.scenarios import IN_PLACE, SCENARIOS, Trial, upgrade
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
def test_full(trial: Trial, size: int) -> None:
    trial.rewind()
    with mounts.tmpfs(trial.dom0.out, size):
        refused(trial.run(), "No space left on device", "free some space there")
        trial.check_interrupted()
        assert not list(trial.dom0.out.glob(".shimtool-*"))
        mounts.resize(trial.dom0.out, 64_000)
        assert trial.run().code == 0
        trial.check_finished()


@pytest.mark.parametrize("room", [0, 1000, 4000, 20_000])
def test_full_over_older_outputs(tmp_path: Path, room: int) -> None:
    """The old ISOs stay until new ones are complete."""
    trial = Trial(Dom0(tmp_path / "dom0"), SCENARIOS["again"])
    trial.rewind()
    files = {path: path.read_bytes() for path in trial.dom0.out.iterdir()}
    used = sum(-(-len(data) // 4096) * 4 for data in files.values())
    with mounts.tmpfs(trial.dom0.out, used + room):
        for path, data in files.items():
            path.write_bytes(data)
        ended = trial.run()
        if room < 20_000:
            refused(ended, "No space left on device")
        trial.check_interrupted()
        mounts.resize(trial.dom0.out, 64_000)
        assert trial.run().code == 0
        trial.check_finished()


def test_full_for_the_configs_of_in_place(tmp_path: Path) -> None:
    """The config's own disk takes no more: it stays, and so does all else."""
    trial = Trial(Dom0(tmp_path / "dom0"), SCENARIOS["in-place"])
    trial.rewind()
    configs = {path: path.read_bytes() for path in trial.dom0.configs.iterdir()}
    with mounts.tmpfs(trial.dom0.configs, 12):
        for path, data in configs.items():
            path.write_bytes(data)
        refused(trial.run(), "No space left on device", str(trial.dom0.configs))
        assert {path: path.read_bytes() for path in trial.dom0.configs.iterdir()} == configs
        assert set(trial.dom0.written()) <= {"shimtool-dm"}
        mounts.resize(trial.dom0.configs, 1000)
        assert trial.run().code == 0
        trial.check_finished()


def test_files_of_limited_size(trial: Trial) -> None:
    """ulimit -f: as on file systems that cannot hold larger files."""
    trial.rewind()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, before[1]))
    try:
        refused(trial.run(), "File too large", ".iso")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    trial.check_interrupted()
    assert trial.run().code == 0
    trial.check_finished()


@pytest.mark.parametrize("command", [("convert",), IN_PLACE, ("restore",)])
def test_read_only_outputs(tmp_path: Path, command: tuple[str, ...]) -> None:
    trial = Trial(Dom0(tmp_path / "dom0"), SCENARIOS["restore"])
    trial.rewind()
    upgrade(trial.dom0)
    with mounts.read_only(trial.dom0.out):
        refused(trial.run(command), "Read-only file system", "mount it writable (-v DIR:/out")
        assert trial.files() == trial.before
        assert trial.run(("status",)).code == 1  # reading is fine
    assert trial.run(command).code == 0


def test_the_kernel_cannot_be_read(trial: Trial) -> None:
    """EIO in the midst of a file, of the real file system: the others are converted."""
    trial.rewind()
    kernel = trial.dom0.boot / "vmlinuz"
    with mounts.unreadable(kernel, 256 << 10):
        with pytest.raises(OSError, match="Input/output error") as caught:
            kernel.read_bytes()
        assert caught.value.errno == errno.EIO
        ended = trial.run()
        refused(ended, "Input/output error", "check the disk", "two: converted", str(kernel))
        assert set(trial.dom0.written()) == {"shimtool-dm", "two.iso", "two.cfg"}
    kernel.with_name("vmlinuz.below").replace(kernel)
    assert trial.run().code == 0
    trial.check_finished()


def test_the_config_cannot_be_read(trial: Trial) -> None:
    trial.rewind()
    config = trial.dom0.configs / "two.cfg"
    config.write_text(config.read_text() + "#" * 500_000)
    with mounts.unreadable(config, 300 << 10):
        refused(trial.run(), "Input/output error", f"{config}", "one: converted")
    assert "two.iso" not in trial.dom0.written()
