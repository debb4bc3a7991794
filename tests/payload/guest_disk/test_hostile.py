"""Damaged and hostile disks: a clear error or the file, in bounded time and memory; never more."""

import os
import random
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool.errors import ShimtoolError
from tests.payload.guest_disk.support import NOTHING, WHOLE, kernel, read, refused
from tests.support import disks
from tests.support.cli import forked
from tests.support.mounts import mounted

SMALL = {
    **WHOLE,
    "/boot/vmlinuz-6.1": kernel(random.Random(3).randbytes(70_000)),  # noqa: S311 - filler
    "/boot/initrd.img-6.1": random.Random(4).randbytes(9000),  # noqa: S311 - filler
}
KINDS = ("ext2", "ext4", "xfs", "btrfs", "mbr", "gpt", "lvm", "qcow2", "vpc")
CPU_SECONDS = 10.0  # for one disk
GROWTH = 256  # MiB


def bounded(work: Callable[[], None], readings: int = 1) -> None:
    """Do the work in a forked child: what earlier tests took of this process does not count."""
    done = forked(work)
    assert not done.code, done.said
    assert done.cpu < CPU_SECONDS * readings
    assert done.memory < GROWTH


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    made = {kind: disks.ext(folder / f"{kind}.img", SMALL, kind, 8) for kind in ("ext2", "ext4")}
    made["xfs"] = disks.xfs(folder / "xfs.img", SMALL)
    made["btrfs"] = disks.btrfs(folder / "btrfs.img", SMALL)
    made["mbr"] = disks.partitioned(folder / "mbr.img", [made["ext4"]])
    made["gpt"] = disks.partitioned(folder / "gpt.img", [made["ext4"]], "gpt")
    made["lvm"] = folder / "lvm.img"
    disks.lvm([made["lvm"]], "vg", "root", made["ext4"])
    made["qcow2"] = disks.converted(made["ext4"], "qcow2")
    made["vpc"] = disks.converted(made["ext4"], "vpc")
    return made


def word(kind: str) -> str:
    return {"qcow2": "qcow2", "vpc": "vhd"}.get(kind, "raw")


def read_whatever(image: Path, kind: str) -> None:
    bounded(lambda: attempt(image, kind))


def attempt(image: Path, kind: str) -> None:
    """Read a disk in this very process: for `bounded` work that reads many."""
    try:
        read(image, kind=word(kind))
    except ShimtoolError as error:
        assert all(fault.remedy for fault in error.faults)


def check_refusal(image: Path, words: str = "") -> None:
    assert words in refused(image)


@pytest.mark.parametrize("kind", KINDS)
def test_cut_short(images: dict[str, Path], kind: str, tmp_path: Path) -> None:
    image, cut = images[kind], tmp_path / "cut.img"
    disks.run("cp", "--sparse=always", image, cut)
    size = image.stat().st_size

    def cut_and_read() -> None:
        for part in (0.9, 0.5, 0.3, 0.1, 0.05, 0.01, 0.001):
            os.truncate(cut, int(size * part))
            attempt(cut, kind)

    bounded(cut_and_read, 7)


@pytest.mark.parametrize("size", [1 << 31, 1 << 40, (1 << 62) - 1])
@pytest.mark.parametrize("path", ["/boot/vmlinuz-6.1", "/boot", "/boot/grub/grub.cfg", "/vmlinuz"])
@pytest.mark.parametrize("kind", ["ext2", "ext4"])
def test_absurd_sizes(tmp_path: Path, kind: str, path: str, size: int) -> None:
    image = disks.ext(tmp_path / "disk.img", {**SMALL, "/boot/vmlinuz-6.1": kernel(b"")}, kind, 8)
    disks.run("debugfs", "-w", "-R", f"set_inode_field {path} size {size}", image)
    read_whatever(image, kind)


def test_an_extent_tree_in_circles(tmp_path: Path) -> None:
    """An index block whose children are itself, 300 times over, level after level."""
    image = disks.ext(tmp_path / "disk.img", {**SMALL, "/big": bytes(99) + b"b" * 9000}, "ext4", 8)
    block = int(disks.run("debugfs", "-R", "bmap /big 0", image))
    child = struct.pack("<IIHH", 0, block, 0, 0)
    node = struct.pack("<HHHHI", 0xF30A, 84, 84, 4, 0) + child * 84
    with image.open("r+b") as file:
        file.seek(block * 1024)
        file.write(node)
    root = struct.pack("<HHHHI", 0xF30A, 4, 4, 5, 0) + child * 4
    for number, value in enumerate(struct.unpack("<15I", root)):
        field = f"block[{['IND', 'DIND', 'TIND'][number - 12] if number > 11 else number}]"
        disks.run(
            "debugfs", "-w", "-R", f"set_inode_field /boot/vmlinuz-6.1 {field} {value}", image
        )
    read_whatever(image, "ext4")
    assert "boot" in refused(image) or "cannot read" in refused(image)


def test_folders_in_circles(tmp_path: Path) -> None:
    image = disks.ext(tmp_path / "disk.img", SMALL, "ext4", 8)
    disks.run("debugfs", "-w", "-R", "unlink /boot/grub", image)
    disks.run("debugfs", "-w", "-R", "link / /boot/grub", image)
    read_whatever(image, "ext4")


def test_a_thousand_partitions(tmp_path: Path) -> None:
    """A chain of logical partitions that leads back to itself."""
    image = disks.partitioned(
        tmp_path / "disk.img", [disks.ext(tmp_path / "a", NOTHING, "ext2", 4)]
    )
    entry = struct.pack("<B3sB3sII", 0, b"", 5, b"", 0, 4096)
    table = entry * 4
    with image.open("r+b") as file:
        for at in (446, 512 + 446):
            file.seek(at)
            file.write(table)
            file.write(b"\x55\xaa")
    bounded(lambda: check_refusal(image))


def test_a_btrfs_tree_without_items(images: dict[str, Path], tmp_path: Path) -> None:
    """The tree of chunks: found by where its root says it is, its count of items made 0."""
    image = tmp_path / "disk.img"
    disks.run("cp", "--sparse=always", images["btrfs"], image)
    with image.open("r+b") as file:
        file.seek(0x10000 + 0x58)
        address = file.read(8)
        emptied = 0
        for at in range(0, image.stat().st_size, 4096):
            file.seek(at + 48)
            if file.read(8) == address:
                file.seek(at + 96)
                file.write(bytes(4))
                emptied += 1
    assert emptied
    bounded(lambda: check_refusal(image, "without items"))


@pytest.mark.parametrize("odd", [b"a\0b", b"a" * 16_300])
def test_a_command_line_that_is_none(tmp_path: Path, odd: bytes) -> None:
    menu = disks.grub_cfg(("x", "/boot/vmlinuz-6.1", "ODD", "")).replace(b"ODD", odd)
    image = disks.ext(tmp_path / "disk.img", {**SMALL, "/boot/grub/grub.cfg": menu}, "ext4", 8)
    if b"\0" in odd:
        check_refusal(image, "what its boot menu says cannot be used: .arguments")
    else:
        assert read(image).found.arguments == odd.decode()


def test_a_bomb_in_btrfs(tmp_path: Path) -> None:
    """1 GiB of zeros in 32 MB of extents: more than a kernel, not more memory.

    The disk, itself full of holes, has room for them uncompressed: Linux reserves that much until
    they are written out, and a busy machine can be too late with that.
    """
    image = disks.btrfs_with_subvolume(
        tmp_path / "disk.img", "@", SMALL, "compress-force=zstd", size=1600
    )
    point = tmp_path / "mounted"
    point.mkdir()
    with mounted(point, "-o", "loop,compress-force=zstd", image):
        disks.run("dd", "if=/dev/zero", f"of={point}/@/boot/initrd.img-6.1", "bs=1M",
                  "count=1100", "status=none")  # fmt: skip
        disks.run("sync", "-f", point)  # another test's mount namespace may still hold it

    bounded(lambda: check_refusal(image, "no kernel and no ramdisk"))
