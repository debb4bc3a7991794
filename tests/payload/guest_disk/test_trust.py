"""Guests of one kernel, each on its own disk: what one of them changes there harms no other."""

from pathlib import Path

import pytest

from shimtool.output.unpacked import UnpackedKernels
from shimtool.payload.guest_disk import bls
from shimtool.payload.jailed.answers import UnreadableError
from tests.payload.guest_disk.support import WHOLE, found
from tests.support import debs, disks

KERNEL = debs.kernel().read_bytes()


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    files: disks.Files = {**WHOLE, "/boot/vmlinuz-6.1": KERNEL}
    return [disks.ext(tmp_path / name, files) for name in ("hostile.img", "other.img")]


def test_a_kernel_is_unpacked_from_its_own_disk(images: list[Path], tmp_path: Path) -> None:
    unpacked = UnpackedKernels(tmp_path)
    hostile, other = (found([image]).kernel for image in images)
    assert hostile.file.sha256 == other.file.sha256
    first, second = unpacked.get(hostile), unpacked.get(other)
    assert first.path.read_bytes() == second.path.read_bytes()
    first.path.write_bytes(b"forged")
    assert second.path.stat().st_size == second.size
    assert unpacked.get(other) == second


def test_variables_that_would_fill_all_memory() -> None:
    entries = {"a.conf": "linux /vmlinuz\noptions " + "$k" * 4000}
    with pytest.raises(UnreadableError, match="variables"):
        bls.read_entries(entries, {"k": "x" * (1 << 20)})


def test_a_version_of_thousands_of_digits_is_the_newest() -> None:
    entries = {f"{number}.conf": f"linux /{number[:3]}" for number in ("7", "9" * 9000, "0010")}
    assert [each.kernel for each in bls.read_entries(entries, {}).entries] == ["/999", "/001", "/7"]
