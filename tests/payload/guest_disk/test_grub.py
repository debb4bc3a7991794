"""What is said of ext4 features is what Debian's own GRUB does with them."""

import subprocess
from pathlib import Path

import pytest

from shimtool.errors import Location
from shimtool.payload.guest_disk.extract import GuestDisk, glimpse
from shimtool.payload.guest_disk.find_boot_entry import BootRequest
from tests.payload.guest_disk.support import KERNEL, WHOLE
from tests.support import disks

READ = (
    *("metadata_csum_seed", "large_dir", "mmp", "encrypt", "verity", "orphan_file", "64bit"),
    *("fast_commit", "meta_bg,^resize_inode", "sparse_super2", "quota", "^has_journal"),
)
NOT_READ = ("casefold", "ea_inode")


@pytest.mark.parametrize("feature", [*READ, *NOT_READ])
def test_features(tmp_path: Path, feature: str) -> None:
    image = disks.ext(tmp_path / "disk.img", WHOLE, "ext4", 64, "-O", feature)
    (tmp_path / "kernel").write_bytes(KERNEL)
    compared = subprocess.run(
        ["grub-fstest", image, "cmp", "(loop0)/boot/vmlinuz-6.1", tmp_path / "kernel"],
        capture_output=True,
        check=False,
    )
    reads = not compared.stderr
    assert reads == (feature in READ), compared.stderr
    seen = glimpse([GuestDisk("/dev/vg0/disk", image, "raw")], BootRequest(), Location("guest.cfg"))
    assert seen.not_for_grub == (() if reads else (feature,))
