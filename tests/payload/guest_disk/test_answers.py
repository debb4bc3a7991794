"""A reader taken over by its disk: whatever it answers, the guest is refused and nothing happens.

The answers come from a real child in the jail, which says what the test lets it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from shimtool.errors import Location, ShimtoolError
from shimtool.model import Compression, GuestDiskFile, SourceFile
from shimtool.payload.guest_disk import reader, tasks
from shimtool.payload.guest_disk.answers import Examined, Glimpse
from shimtool.payload.guest_disk.find_boot_entry import BootRequest
from shimtool.payload.jailed.answers import SHORTEST, Opened, Refusal, document, frame
from shimtool.system.jail import Put, Work

SHA = "0" * 64
FILE: dict[str, Any] = {
    "path": "/vmlinuz", "subvolume": "", "size": 1000, "sha256": SHA, "stamp": [-1, 2, 1000, 3],
}  # fmt: skip
FACTS: dict[str, Any] = {
    "wrapping": "ELF", "compression": "none", "payload": [0, 1000], "bits": 64, "pv": True,
    "guest_os": "linux", "version": None,
}  # fmt: skip
GOOD: dict[str, Any] = {
    "volume": "", "disk": 0, "kernel": FILE, "facts": FACTS, "ramdisk": None, "arguments": "",
    "title": "", "menu": "", "clean": True,
}  # fmt: skip


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(8192))
    return path


def saying(*parts: bytes, times: int = 1) -> Callable[..., Work]:
    def work(_descriptors: Sequence[int], put: Put) -> None:
        for _ in range(times):
            for part in parts:
                put(part)

    return lambda *_asked: work


def packed(value: Mapping[str, Any]) -> bytes:
    return frame(json.dumps(value).encode())


def examined(disk: Path) -> object:
    return reader.examine(((disk, "raw"),), BootRequest(), Location("guest.cfg", 4))


def glimpsed(disk: Path) -> object:
    return reader.glance(((disk, "raw"),), BootRequest(), Location("guest.cfg", 4))


@pytest.mark.parametrize(
    "change",
    [
        {}, {"bits": 16}, {"compression": "rar"}, {"not_for_grub": ["x"] * 9}, {"more": 1},
        {"not_for_grub": ["x" * 65]}, {"not_for_grub": "casefold"}, {"bits": None},
    ],
)  # fmt: skip
def test_a_glimpse_is_read_as_strictly(
    disk: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    good = {"compression": "xz", "bits": 64, "not_for_grub": ["casefold"]}
    monkeypatch.setattr(tasks, "glance", saying(packed(good | change)))
    if not change:
        assert glimpsed(disk) == Glimpse(Compression.XZ, 64, ("casefold",))
        return
    with pytest.raises(ShimtoolError):
        glimpsed(disk)


def test_a_good_answer(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "examine", saying(packed(GOOD)))
    assert isinstance(examined(disk), Examined)


def kernel(**other: object) -> dict[str, Any]:
    return {**GOOD, "kernel": {**FILE, **other}}


def facts(**other: object) -> dict[str, Any]:
    return {**GOOD, "facts": {**FACTS, **other}}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\0\0",
        b"\xff\xff\xff\xff{}",
        frame(b""),
        frame(b"{"),
        frame(b"[" * 100_000),
        frame(b"9" * 100_000),
        frame(b'{"opened": NaN}'),
        document(Opened()),
        packed(GOOD) + b"x",
        packed({**GOOD, "more": 1}),
        packed({**GOOD, "disk": 1}),
        packed({**GOOD, "disk": -1}),
        packed({**GOOD, "arguments": "a" * 20_000}),
        packed({**GOOD, "arguments": "a\0b"}),
        packed({**GOOD, "title": "\ud800"}),
        packed({"why": "a" * 20_000}),
        *map(packed, (kernel(size=1 << 40), kernel(size=-1), kernel(path=""), kernel(sha256="x"))),
        packed(kernel(stamp=[5, 2, 1000, 3])),  # that of a file of dom0's
        packed(kernel(stamp=[-1, 2, 1000, 1 << 80])),
        *map(packed, (facts(payload=[500, 501]), facts(payload=[-1, 5]), facts(bits=16))),
        *map(packed, (facts(version="v" * 20_000), facts(compression="rar"), facts(pv=1))),
    ],
)
def test_answers_that_are_none(disk: Path, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(tasks, "examine", saying(said))
    with pytest.raises(ShimtoolError, match="no sound answer") as caught:
        examined(disk)
    (fault,) = caught.value.faults
    assert fault.where == Location("guest.cfg", 4)
    assert fault.remedy


def read(disk: Path, size: int) -> int:
    inside = GuestDiskFile(((disk, "raw"),), "/vmlinuz")
    file = SourceFile("x", disk, size, SHA, (-1, 2, size, 3), inside)
    done = 0
    with reader.open_inside(file, inside) as source:
        while data := source.read(1 << 20):
            done += len(data)
    return done


WHOLE = frame(bytes(SHORTEST))
OPENED = document(Opened())
END = frame(b"x")


def test_a_file_in_frames(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "copy", saying(OPENED, WHOLE, WHOLE, END))
    assert read(disk, 2 * SHORTEST + 1) == 2 * SHORTEST + 1


@pytest.mark.parametrize(
    "said",
    [
        [OPENED],
        [OPENED, WHOLE],  # too few
        [OPENED, WHOLE, WHOLE, WHOLE],  # too many
        [OPENED, END, WHOLE, WHOLE],  # in small frames
        [OPENED, WHOLE, WHOLE, END[:-1]],
        [OPENED, WHOLE, WHOLE, frame(b""), OPENED],
        [OPENED, WHOLE, b"\xff\xff\xff\xff" + bytes(1 << 20)],
        [packed(GOOD)],
    ],
)
def test_files_that_are_none(
    disk: Path, monkeypatch: pytest.MonkeyPatch, said: list[bytes]
) -> None:
    monkeypatch.setattr(tasks, "copy", saying(*said))
    with pytest.raises(ShimtoolError, match="no sound answer"):
        read(disk, 2 * SHORTEST + 1)


def test_a_file_that_ends_with_a_reason(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As damage in its midst does."""
    refusal = frame(b"") + document(Refusal("its data ends", "disk:/vmlinuz"))
    monkeypatch.setattr(tasks, "copy", saying(OPENED, WHOLE, refusal))
    with pytest.raises(ShimtoolError, match="its data ends") as caught:
        read(disk, 1 << 20)
    assert caught.value.faults[0].where == Location("disk:/vmlinuz")


def test_a_file_without_end(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "copy", saying(OPENED, *[WHOLE] * 1000, times=1000))
    with pytest.raises(ShimtoolError, match="no sound answer"):
        read(disk, 1 << 20)
