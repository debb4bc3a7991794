"""Guests of one kernel, each on its own disk: what one of them changes there harms no other."""

from pathlib import Path
from typing import BinaryIO

import pytest

from shimtool.errors import ShimtoolError, fault
from shimtool.model import KernelFacts
from shimtool.output.unpacked import UnpackedKernels
from shimtool.payload import inputs
from shimtool.payload.guest_disk import bls
from shimtool.payload.guest_disk.limits import UnreadableError
from shimtool.payload.kernel.image import inspect
from tests.payload.guest_disk.support import WHOLE, found
from tests.support import debs, disks

KERNEL = debs.kernel().read_bytes()


@pytest.fixture
def images(tmp_path: Path) -> list[Path]:
    files: disks.Files = {**WHOLE, "/boot/vmlinuz-6.1": KERNEL}
    return [disks.ext(tmp_path / name, files) for name in ("hostile.img", "other.img")]


def test_a_kernel_is_unpacked_from_its_own_disk(images: list[Path], tmp_path: Path) -> None:
    cache, unpacked = inputs.InputCache(), UnpackedKernels(tmp_path)
    hostile, other = (cache.kernel(found([image]).kernel) for image in images)
    assert hostile.file.sha256 == other.file.sha256
    first, second = unpacked.get(hostile), unpacked.get(other)
    assert first.path.read_bytes() == second.path.read_bytes()
    first.path.write_bytes(b"forged")
    assert second.path.stat().st_size == second.size
    assert unpacked.get(other) == second


def test_a_kernel_that_cannot_be_inspected_is_its_own_guests(
    images: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(opened: BinaryIO) -> KernelFacts:
        if "hostile" in opened.name:
            raise fault("it changed after it was hashed", opened.name)
        return inspect(opened)

    monkeypatch.setattr(inputs, "inspect", changed)
    cache = inputs.InputCache()
    with pytest.raises(ShimtoolError, match="after it was hashed"):
        cache.kernel(found(images[:1]).kernel)
    assert cache.kernel(found(images[1:]).kernel).facts.pv


def test_variables_that_would_fill_all_memory() -> None:
    entries = {"a.conf": "linux /vmlinuz\noptions " + "$k" * 4000}
    with pytest.raises(UnreadableError, match="variables"):
        bls.read_entries(entries, {"k": "x" * (1 << 20)})


def test_a_version_of_thousands_of_digits_is_the_newest() -> None:
    entries = {f"{number}.conf": f"linux /{number[:3]}" for number in ("7", "9" * 9000, "0010")}
    assert [each.kernel for each in bls.read_entries(entries, {}).entries] == ["/999", "/001", "/7"]
