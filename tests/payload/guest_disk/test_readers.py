"""Every kind of disk, made by the real tools, gives just the bytes that were put in."""

from pathlib import Path

import pytest

from shimtool.errors import ShimtoolError
from shimtool.payload.guest_disk.find_boot_entry import BootRequest
from shimtool.payload.guest_disk.inside import unchanged_inside
from tests.payload.guest_disk.support import (
    BOOT,
    KERNEL,
    LINE,
    NOTHING,
    RAMDISK,
    WHOLE,
    content,
    found,
    kernel,
    read,
    refused,
)
from tests.support import disks


def check(place: str, *images: Path, kind: str = "raw") -> None:
    """Everything came, and the kernel's place is called that in messages and manifests."""
    result = read(*images, kind=kind)
    assert (result.kernel, result.ramdisk) == (KERNEL, RAMDISK)
    assert result.found.arguments == LINE
    assert result.found.kernel.file.dom0_path == f"/dev/vg0/{images[0].stem}{place}"


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
def test_ext(tmp_path: Path, kind: str) -> None:
    image = disks.ext(tmp_path / "disk.img", WHOLE, kind)
    check(":/boot/vmlinuz-6.1", image)
    assert found([image]).cleanly_unmounted


@pytest.mark.parametrize("options", [("-b", "1024"), ("-I", "128"), ("-O", "^64bit")])
def test_ext4_of_another_make(tmp_path: Path, options: tuple[str, str]) -> None:
    check(":/boot/vmlinuz-6.1", disks.ext(tmp_path / "disk.img", WHOLE, "ext4", 64, *options))


def test_ext4_with_folders_in_inodes(tmp_path: Path) -> None:
    image = disks.ext(tmp_path / "disk.img", WHOLE, "ext4", 64, "-O", "inline_data")
    assert "inline_data" in refused(image)


def test_ext2_with_holes(tmp_path: Path) -> None:
    """The library reads the disk's first block for some of them."""
    files = {**WHOLE, "/boot/vmlinuz-6.1": kernel(bytes(50_000) + KERNEL[:5000])}
    image = disks.ext(tmp_path / "disk.img", files, "ext2")
    assert "is sparse" in refused(image)
    image = disks.ext(tmp_path / "disk.img", files, "ext4")
    assert read(image).kernel == files["/boot/vmlinuz-6.1"]


def test_ext_that_was_not_unmounted(tmp_path: Path) -> None:
    """As under a running guest: its journal is not replayed, which the admin must know."""
    image = disks.ext(tmp_path / "disk.img", WHOLE)
    disks.run("debugfs", "-w", "-R", "feature needs_recovery", image)
    assert not found([image]).cleanly_unmounted


@pytest.mark.parametrize("options", [(), ("-m", "crc=0")])
def test_xfs(tmp_path: Path, options: tuple[str, ...]) -> None:
    check(":/boot/vmlinuz-6.1", disks.xfs(tmp_path / "disk.img", WHOLE, 320, *options))


def test_btrfs(tmp_path: Path) -> None:
    check(":/boot/vmlinuz-6.1", disks.btrfs(tmp_path / "disk.img", WHOLE))


@pytest.mark.parametrize("name", ["@", "@rootfs"])
@pytest.mark.parametrize("packed", ["zstd", "lzo", "zlib"])
def test_btrfs_subvolume(tmp_path: Path, name: str, packed: str) -> None:
    files = {**WHOLE, "/boot/initrd.img-6.1": bytes(3_000_000) + RAMDISK}
    options = f"compress-force={packed}"
    image = disks.btrfs_with_subvolume(tmp_path / "disk.img", name, files, options)
    result = read(image)
    assert result.kernel == KERNEL
    assert result.ramdisk == files["/boot/initrd.img-6.1"]
    assert result.found.kernel.file.dom0_path == f"/dev/vg0/disk:/{name}/boot/vmlinuz-6.1"


def test_partitions(tmp_path: Path) -> None:
    root = disks.ext(tmp_path / "root.img", WHOLE)
    check(" (partition 2):/boot/vmlinuz-6.1", disks.partitioned(tmp_path / "d.img", [None, root]))


def test_gpt_with_separate_boot(tmp_path: Path) -> None:
    boot = disks.ext(tmp_path / "boot.img", BOOT, "ext2")
    root = disks.xfs(tmp_path / "root.img", NOTHING)
    image = disks.partitioned(tmp_path / "disk.img", [None, boot, root], "gpt")
    check(" (partition 2):/vmlinuz-6.1", image)


def test_logical_partition(tmp_path: Path) -> None:
    root = disks.ext(tmp_path / "root.img", WHOLE)
    image = disks.partitioned(tmp_path / "disk.img", [])
    with image.open("r+b") as file:
        file.truncate(80 << 20)
    table = "label: dos\nstart=1MiB, size=78MiB, type=5\nstart=2MiB, size=64MiB\n"
    disks.run("sfdisk", "-q", image, data=table)
    disks.put(image, root, 2 << 20)
    check(" (partition 5):/boot/vmlinuz-6.1", image)


def test_lvm_on_a_partition(tmp_path: Path) -> None:
    root = disks.xfs(tmp_path / "root.img", WHOLE)
    disks.lvm([tmp_path / "pv.img"], "guest-vg", "root", root)
    image = disks.partitioned(tmp_path / "disk.img", [None, tmp_path / "pv.img"])
    check(" (LVM guest-vg-root):/boot/vmlinuz-6.1", image)


def test_lvm_across_disks(tmp_path: Path) -> None:
    root = disks.ext(tmp_path / "root.img", WHOLE)
    images = [tmp_path / "one.img", tmp_path / "two.img"]
    disks.lvm(images, "vg", "root", root)
    check(" (LVM vg-root):/boot/vmlinuz-6.1", *images)
    assert "nothing to boot" in refused(images[0])


@pytest.mark.parametrize(("kind", "word"), [("qcow2", "qcow2"), ("vpc", "vhd")])
def test_image_formats(tmp_path: Path, kind: str, word: str) -> None:
    root = disks.ext(tmp_path / "root.img", WHOLE)
    image = disks.partitioned(tmp_path / "disk.img", [root], "gpt")
    check(" (partition 1):/boot/vmlinuz-6.1", disks.converted(image, kind), kind=word)


def test_qcow2_with_a_backing_file_opens_no_other_file(tmp_path: Path) -> None:
    disks.ext(tmp_path / "base.img", WHOLE)
    image = tmp_path / "disk.qcow2"
    disks.run("qemu-img", "create", "-f", "qcow2", "-b", "base.img", "-F", "raw", image)
    assert "backing-file required" in refused(image, kind="qcow2")


def test_a_raw_disk_with_the_head_of_a_qcow2_stays_raw(tmp_path: Path) -> None:
    image = tmp_path / "disk.qcow2"
    disks.run("qemu-img", "create", "-f", "qcow2", "-o", "backing_file=/etc/passwd,backing_fmt=raw",
              "-u", image, "1M")  # fmt: skip
    assert "no ext2-4, xfs or btrfs" in refused(image)


def test_block_device(tmp_path: Path) -> None:
    image = disks.ext(tmp_path / "disk.img", WHOLE)
    with disks.block_device(image) as device:
        result = read(device)
        assert (result.kernel, result.ramdisk) == (KERNEL, RAMDISK)


def test_block_device_written_behind_our_back(tmp_path: Path) -> None:
    """What the page cache held of the device is not what is read."""
    image = disks.ext(tmp_path / "disk.img", WHOLE)
    with disks.block_device(image) as device:
        assert read(device).kernel == KERNEL
        data = image.read_bytes()
        at = data.index(KERNEL[4096:8192])
        with image.open("r+b") as file:
            file.seek(at)
            file.write(b"changed")
        assert read(device).kernel == KERNEL[:4096] + b"changed" + KERNEL[4103:]


def test_links_stay_inside(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"dom0's")
    files: dict[str, bytes | str] = {
        "/boot/grub/grub.cfg": disks.grub_cfg(("x", "/vmlinuz", "", "/up")),
        "/boot/vmlinuz-6.1": KERNEL,
        "/boot/initrd": RAMDISK,
        "/vmlinuz": "/boot/../boot/./current",
        "/boot/current": "vmlinuz-6.1",
        "/up": "../../../../boot/initrd",
    }
    image = disks.ext(tmp_path / "disk.img", files)
    check_links = read(image)
    assert (check_links.kernel, check_links.ramdisk) == (KERNEL, RAMDISK)
    files["/vmlinuz"] = str(tmp_path / "secret")
    assert "which is not there" in refused(disks.ext(image, files))


def test_links_in_circles(tmp_path: Path) -> None:
    files = {**WHOLE, "/boot/vmlinuz-6.1": "/boot/b", "/boot/b": "vmlinuz-6.1"}
    assert "round in circles" in refused(disks.ext(tmp_path / "disk.img", files))


def test_offset_as_pygrub_takes_it(tmp_path: Path) -> None:
    one = disks.ext(tmp_path / "one.img", WHOLE)
    two = disks.ext(tmp_path / "two.img", {**WHOLE, "/boot/vmlinuz-6.1": kernel(b"the other")})
    image = disks.partitioned(tmp_path / "disk.img", [one, two])
    result = read(image, wanted=BootRequest(offset=(1 << 20) + one.stat().st_size))
    assert result.kernel == kernel(b"the other")


def test_two_menus_where_pygrub_does_not_look(tmp_path: Path) -> None:
    root = disks.ext(tmp_path / "root.img", WHOLE)
    disks.lvm([tmp_path / "a.img"], "one", "root", root)
    disks.lvm([tmp_path / "b.img"], "two", "root", root)
    image = disks.partitioned(tmp_path / "disk.img", [tmp_path / "a.img", tmp_path / "b.img"])
    assert "several boot menus" in refused(image)


def test_a_file_that_changes_after_it_was_examined(tmp_path: Path) -> None:
    image = disks.ext(tmp_path / "disk.img", WHOLE)
    file = found([image]).kernel.file
    disks.run("debugfs", "-w", "-R", "set_inode_field /boot/vmlinuz-6.1 ctime 20200101", image)
    with pytest.raises(ShimtoolError, match="changed while"):
        content(file)


def test_a_file_that_changes_while_it_is_examined(tmp_path: Path) -> None:
    image = disks.ext(tmp_path / "disk.img", WHOLE)
    inside = found([image]).kernel.file.inside
    assert inside
    with (
        image.open("rb") as disk,
        pytest.raises(ShimtoolError, match="changed while"),
        unchanged_inside(inside, [disk.fileno()]),
    ):
        disks.run("debugfs", "-w", "-R", "set_inode_field /boot/vmlinuz-6.1 ctime 20200101", image)


@pytest.mark.parametrize("what", ["missing", "folder", "pipe", "empty"])
def test_no_disk_at_all(tmp_path: Path, what: str) -> None:
    path = tmp_path / "disk.img"
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        disks.run("mkfifo", path)
    elif what == "empty":
        path.touch()
    assert refused(path)
