"""Damaged disks of every kind that is read: a kernel or a plain refusal, within the jail's limits.

A few of them by default, more as fuzzing.py says, spread over the kinds. A failure names kind and
number, which make the same mutant again.
"""

import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from shimtool.errors import Location, ShimtoolError
from shimtool.model import Compression
from shimtool.payload.guest_disk.extract import GuestDisk, extract
from shimtool.payload.guest_disk.find_boot_entry import BootRequest
from shimtool.payload.jailed import reader
from shimtool.system.jail import Jailed, Limits
from tests.faults.fuzzing import CPU_SECONDS, LONG, MEMORY, mutants, tally
from tests.faults.mutate import SEED, WORDS
from tests.payload.guest_disk.attacks import thin_pool
from tests.payload.guest_disk.support import WHOLE, kernel
from tests.support import disks
from tests.support import kernel_builder as build
from tests.support.cli import forked

_KINDS: dict[str, Callable[[Path], Path]] = {}
BATCH = 250


# As small as can be: nearly every byte that is changed belongs to the file system.
FILES: disks.Files = {
    **WHOLE,
    "/boot/vmlinuz-6.1": kernel(b""),
    "/boot/initrd.img-6.1": b"070701",
}


def kind(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    _KINDS[make.__name__] = make
    return make


@kind
def ext2(folder: Path) -> Path:
    return disks.ext(folder / "disk.img", FILES, "ext2", 2)


@kind
def ext4(folder: Path) -> Path:
    return disks.ext(folder / "disk.img", FILES, "ext4", 2)


@kind
def xfs(folder: Path) -> Path:
    return disks.xfs(folder / "disk.img", FILES)


@kind
def btrfs(folder: Path) -> Path:
    return disks.btrfs(folder / "disk.img", FILES)


@kind
def btrfs_packed(folder: Path) -> Path:
    """A subvolume, whose files are compressed."""
    image = folder / "disk.img"
    return disks.btrfs_with_subvolume(image, "@", FILES, "compress-force=lzo")


@kind
def mbr(folder: Path) -> Path:
    return disks.partitioned(folder / "disk.img", [None, ext2(folder.joinpath("part")), None])


@kind
def gpt(folder: Path) -> Path:
    return disks.partitioned(folder / "disk.img", [None, ext4(folder.joinpath("part"))], "gpt")


@kind
def lvm(folder: Path) -> Path:
    disks.lvm([folder / "disk.img"], "vg", "root", ext2(folder / "part"))
    return folder / "disk.img"


@kind
def lvm_thin(folder: Path) -> Path:
    return thin_pool(folder, ext2(folder / "part").read_bytes())


@kind
def qcow2(folder: Path) -> Path:
    return disks.converted(ext2(folder), "qcow2")


@kind
def vpc(folder: Path) -> Path:
    return disks.converted(ext2(folder), "vpc")


@kind
def menus(folder: Path) -> Path:
    """All that is text: a grub.cfg that asks for BLS entries, and their variables."""
    files: disks.Files = {
        "/boot/grub2/grub.cfg": b'set default="${saved_entry}"\nblscfg\n',
        "/boot/grub2/grubenv": b"saved_entry=a-2\na=root=/dev/xvda1 ro\n" + b"#" * 900,
        "/boot/loader/entries/a-1.conf": b"title A\nlinux /boot/vmlinuz-6.1\noptions $a quiet\n",
        "/boot/loader/entries/a-2.conf": b"title B\nlinux /boot/vmlinuz-6.1\ninitrd /boot/i\n",
        "/boot/i": b"070701",
        "/boot/vmlinuz-6.1": kernel(b""),
    }
    return disks.ext(folder / "disk.img", files, "ext2", 1)


@kind
def kernels(folder: Path) -> Path:
    """Its kernel is a bzImage that is unpacked."""
    image = build.elf(segment=build.notes(build.PV_NOTES), body=bytes(5000))
    packed = build.bzimage(build.packed(image, Compression.ZSTD))
    return disks.ext(folder / "disk.img", {**FILES, "/boot/vmlinuz-6.1": packed}, "ext2", 1)


class Watched(Jailed):
    """Keeps what every child took."""

    took: tuple[float, int] = (0.0, 0)  # seconds, KiB: the most so far

    def _end(self) -> int | None:
        status = super()._end()
        assert self.usage
        seconds, memory = Watched.took
        Watched.took = max(seconds, self.usage.ru_utime), max(memory, self.usage.ru_maxrss)
        return status


def spots(image: Path) -> list[int]:
    """Offsets of the bytes that are not zero: there a change tells."""
    found: list[int] = []
    with image.open("rb") as file:
        offset = 0
        while block := file.read(1 << 20):
            if block.strip(b"\0"):
                found += (offset + at for at in range(len(block)) if block[at])
            offset += len(block)
    return found


@contextmanager
def mutated(image: Path, places: Sequence[int], choice: random.Random) -> Iterator[None]:
    """Change 1 to 6 places of an image, for the block."""
    numbers = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 64) - 1)
    undo: list[tuple[int, bytes]] = []
    with image.open("r+b", buffering=0) as file:
        for _ in range(choice.choice((1, 1, 1, 2, 3, 6))):
            at = max(0, choice.choice(places) - choice.choice((0, 0, 0, 1, 4)))
            file.seek(at)
            match choice.randrange(5):
                case 0:
                    data = choice.randbytes(choice.choice((1, 1, 2, 4, 16)))
                case 1 | 2:
                    size = choice.choice((1, 2, 4, 8))
                    number = choice.choice(numbers) & ((1 << 8 * size) - 1)
                    data = number.to_bytes(size, choice.choice(("little", "big")))
                case 3:
                    other = choice.choice(places)
                    data = os.pread(file.fileno(), choice.choice((4, 8, 64)), other)
                case _:
                    data = choice.choice(WORDS)[:200]
            undo.append((at, os.pread(file.fileno(), len(data), at)))
            file.write(data[: len(undo[-1][1])])
        try:
            yield
        finally:
            for at, before in reversed(undo):
                os.pwrite(file.fileno(), before, at)


def outcome(image: Path, name: str) -> str:
    """Read it as a guest's disk, and say in a word what came of it."""
    word = {"qcow2": "qcow2", "vpc": "vhd"}.get(name, "raw")
    try:
        extract([GuestDisk("/dev/x", image, word)], BootRequest(), Location("guest.cfg", 4))
    except ShimtoolError as error:
        (fault,) = error.faults
        assert fault.where and fault.remedy, fault
        assert not re.search("ended by|exit code|no sound answer", fault.message), fault
        limit = re.search(
            "processor time|MB of memory|PanicException|too much memory|it took", fault.message
        )
        return limit[0] if limit else "refused"
    return "found"


def try_batch(image: Path, name: str, numbers: Sequence[int]) -> None:
    reader.LIMITS = Limits(cpu_seconds=CPU_SECONDS if LONG else 1)
    setattr(reader, "Jailed", Watched)  # noqa: B010 - the same, and keeps what it took
    begun = forked_with()
    places, seen = spots(image), Counter[str]()
    for number in numbers:
        choice = random.Random(f"{SEED} disks {name} {number}")  # noqa: S311 - no secret
        with mutated(image, places, choice):
            try:
                seen[outcome(image, name)] += 1
            except BaseException as error:
                raise AssertionError(f"{name} {number}: {error!r}") from error
    assert outcome(image, name) == "found"
    seconds, memory = Watched.took
    assert seconds <= CPU_SECONDS + 0.5
    assert (memory - begun) >> 10 < MEMORY
    tally(f"disks: {name}", len(numbers), seconds, (memory - begun) >> 10, seen)


def forked_with() -> int:
    """Return what a child of this process has in memory before it does anything, in KiB."""
    with Jailed(lambda _descriptors, _put: None, [], Limits()) as jailed:
        jailed.read(1)
        assert jailed.usage
        return jailed.usage.ru_maxrss


@pytest.mark.parametrize("name", list(_KINDS))
def test_mutants(tmp_path: Path, name: str) -> None:
    (tmp_path / "part").mkdir()
    image = _KINDS[name](tmp_path)
    count = mutants("disks", parts=len(_KINDS))
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        done = forked(partial(try_batch, image, name, numbers))
        assert not done.code, done.said
