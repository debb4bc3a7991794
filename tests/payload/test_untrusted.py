"""Kernels and ramdisks in a tenant's folder of dom0: what harms their reader harms his guest alone.

Each hostile file stands beside a sound guest of the same tenant, in one run of the command line.
"""

import ctypes
import json
import lzma
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO

import lz4.block
import pytest

from shimtool.dom0.paths import Found
from shimtool.errors import ShimtoolError
from shimtool.model import Compression, Kernel, KernelFacts
from shimtool.payload import inputs, reopen, untrusted
from shimtool.payload.inputs import InputCache
from shimtool.payload.jailed import reader
from shimtool.payload.jailed.answers import Opened, document, frame
from shimtool.payload.kernel import image, ramdisk
from shimtool.system.jail import Limits, Put, Work
from tests.payload.small_child import read_kernel, shimtool_with
from tests.support import kernel_builder as build
from tests.support.cli import forked, in_child, run_here
from tests.support.compression_bombs import BOMBS
from tests.support.dom0 import EMPTY_CPIO, Dom0, make_dom0

TENANT = 65534
MIB = 1 << 20
GOOD = build.elf(segment=build.notes(build.PV_NOTES), body=bytes(5000))
SLOW = 4 * MIB
SMALL, QUICK = Limits(memory=24 * MIB), Limits(cpu_seconds=1)


def lz4_blocks(head: bytes, body: bytes, count: int) -> bytes:
    """Lz4's legacy format: a block of `head`, then `count` of `body`."""
    packed: list[bytes] = [lz4.block.compress(each, store_size=False) for each in (head, body)]
    first, again = (struct.pack("<I", len(each)) + each for each in packed)
    return b"\x02\x21\x4c\x18" + first + again * count


@cache
def far_notes(away: int) -> bytes:
    """A kernel's head, by which its notes are `away` bytes from its start."""
    head = bytearray(GOOD)
    struct.pack_into("<Q", head, 64 + 8, away)
    return bytes(head)


@cache
def large_dictionary() -> bytes:
    """An xz stream which may refer back over 128 MB: its reader asks for them at once.

    60 MB of them are in use.
    """
    noise = os.urandom(4096) * (62 * MIB // 4096)
    packed = bytearray(lzma.compress(far_notes(60 * MIB) + noise, lzma.FORMAT_XZ, preset=0))
    start = 12  # of the block's header: its size in words, flags, filter, 1, dictionary, ..., CRC
    end = start + (packed[start] + 1) * 4
    packed[start + 4] = 30  # the xz format's way to say 128 MiB
    struct.pack_into("<I", packed, end - 4, zlib.crc32(packed[start : end - 4]))
    return bytes(packed)


def slow_kernel() -> bytes:
    """Millions of blocks of one byte each, which take long on any machine, up to its notes."""
    return lz4_blocks(far_notes(SLOW), bytes(1), SLOW)


def slow_ramdisk() -> bytes:
    """The same as a ramdisk: zeros may stand before an archive."""
    return lz4_blocks(bytes(1), bytes(1), SLOW)


def bomb() -> bytes:
    """A sound kernel, as far as its notes; behind them come 10 GB."""
    return BOMBS[Compression.ZSTD](GOOD)


def hidden_bomb() -> bytes:
    """Its notes are behind 700 MB."""
    return BOMBS[Compression.GZIP](far_notes(700 * MIB))


ATTACKS: list[tuple[Callable[[], bytes], Limits, str]] = [
    (large_dictionary, SMALL, "it took more than 24 MB of memory"),
    (slow_kernel, QUICK, "it took more than 1 s of processor time"),
    (slow_ramdisk, QUICK, "it took more than 1 s of processor time"),
    (bomb, Limits(), "unpacks to more than 512 MiB"),
    (hidden_bomb, Limits(), "unpacks to more than 512 MiB"),
]


def convert(folder: Path, hostile: bytes, key: str = "kernel", limits: Limits | None = None) -> str:
    """Convert a hostile and a sound guest of a tenant's; return what was said.

    With `limits` in a small child; without, in one that knows what was patched here.
    """
    dom0, srv = make_dom0(folder), folder / "srv"
    srv.mkdir()
    files = {"hostile": hostile, "sound": build.small_kernel(), "initrd": EMPTY_CPIO}
    for name, data in files.items():
        (srv / name).write_bytes(data)
        os.chown(srv / name, TENANT, TENANT)
    os.chown(srv, TENANT, TENANT)
    boots = {"hostile": ("hostile", "initrd"), "sound": ("sound", "initrd")}
    if key == "ramdisk":
        boots["hostile"] = ("sound", "hostile")
    for name, (kernel, archive) in boots.items():
        text = (
            f"name = '{name}'\nmemory = 64\nkernel = '/srv/{kernel}'\nramdisk = '/srv/{archive}'\n"
        )
        dom0.config(f"{name}.cfg", text)
    said = folder / "said"
    words = dom0.words("convert", "--xen", "4.9.2", "--jobs", "2", "--map", f"/srv={srv}")

    def run() -> None:
        ended = run_here(*words)
        said.write_text(ended.said)
        os._exit(ended.code)

    if limits:
        done = in_child(partial(shimtool_with, limits, words))
        said.write_text(done.said)
    else:
        done = forked(run)
    assert done.code == 1, said.read_text()
    check_others(dom0, said.read_text())
    return said.read_text()


def check_others(dom0: Dom0, said: str) -> None:
    """The other guest is converted, and nothing else left."""
    assert "sound: converted" in said
    assert "Traceback" not in said
    assert set(dom0.written()) == {"sound.iso", "sound.cfg", "shimtool-dm"}


@pytest.mark.parametrize(
    ("attack", "limits", "why"), ATTACKS, ids=lambda each: getattr(each, "__name__", "")
)
def test_an_attack(tmp_path: Path, attack: Callable[[], bytes], limits: Limits, why: str) -> None:
    key = "ramdisk" if attack is slow_ramdisk else "kernel"
    said = convert(tmp_path, attack(), key, limits)
    (line,) = [each for each in said.splitlines() if each.startswith("error: ")]
    assert why in line
    assert "/srv/hostile" in line


def test_in_place_it_would_take_more(tmp_path: Path) -> None:
    """What the jail refuses a tenant is read for root, in this process and with its memory."""
    path = build.write(tmp_path, large_dictionary())
    done = in_child(partial(read_kernel, path))
    assert not done.code, done.said
    assert done.memory > SMALL.memory // MIB


@pytest.mark.parametrize("name", ["kernel", "ramdisk"])
def test_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Code in C that a file makes crash: its process ends, and it is not ours."""
    module, look = (image, "inspect") if name == "kernel" else (ramdisk, "inspect_ramdisk")
    good = getattr(module, look)

    def crashing(source: BinaryIO) -> Any:  # noqa: ANN401 - what either gives
        if Path(source.name).name == "hostile":
            ctypes.string_at(0)
        return good(source)

    monkeypatch.setattr(module, look, crashing)
    said = convert(tmp_path, build.small_kernel(), name)
    assert "made to do harm: its reader was ended by SIGSEGV" in said


@pytest.fixture
def tenants(tmp_path: Path) -> Found:
    path = build.write(tmp_path, build.packed(GOOD, Compression.GZIP))
    os.chown(path, TENANT, TENANT)
    return Found("/srv/kernel", path)


def test_a_reader_taken_over_can_open_nothing(
    tenants: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken_over(_source: BinaryIO) -> KernelFacts:
        os.open("/etc/passwd", os.O_RDONLY)
        raise AssertionError("it was opened")

    monkeypatch.setattr(image, "inspect", taken_over)
    with pytest.raises(ShimtoolError, match=r"its reader failed \(PermissionError"):
        InputCache().kernel(tenants)


def test_roots_own_are_read_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a child: no guest waits for one."""
    monkeypatch.setattr(reader, "jailed", None)
    monkeypatch.setattr(untrusted, "jailed", None)
    kernel = InputCache().kernel(
        Found("/boot/k", build.write(tmp_path, build.packed(GOOD, Compression.GZIP)))
    )
    assert b"".join(reopen.unpacked(kernel)) == GOOD


def test_both_see_the_same(tenants: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    jailed, archive = InputCache().kernel(tenants), InputCache().ramdisk(tenants)
    assert b"".join(reopen.unpacked(jailed)) == GOOD
    monkeypatch.setattr(inputs, "_lasting", lambda _status: True)
    again = InputCache().kernel(tenants)
    assert jailed.file.lasting < again.file.lasting
    assert replace(again, file=jailed.file) == jailed
    assert replace(InputCache().ramdisk(tenants), file=archive.file) == archive


FACTS: dict[str, Any] = {
    "wrapping": "compressed ELF", "compression": "gzip", "payload": [0, 100], "bits": 64,
    "pv": True, "guest_os": "linux", "version": None,
}  # fmt: skip


def saying(*parts: bytes) -> Callable[..., Work]:
    def work(_descriptors: Sequence[int], put: Put) -> None:
        for part in parts:
            put(part)

    return lambda _task: work


def packed(**changes: object) -> bytes:
    return frame(json.dumps({"facts": {**FACTS, **changes}}).encode())


@pytest.mark.parametrize(
    "said",
    [
        b"",
        packed()[:-1],
        packed() + b"x",
        packed(payload=[0, 1 << 30]),
        packed(payload=[-1, 5]),
        packed(version="v" * 20_000),
        packed(bits=16),
        packed(more=1),
        frame(b'{"gzip": true, "cpio": true}'),
        document(Opened()),
    ],
)
def test_answers_that_are_none(
    tenants: Found, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(untrusted, "answering", saying(said))
    with pytest.raises(ShimtoolError, match="no sound answer") as caught:
        InputCache().kernel(tenants)
    (fault,) = caught.value.faults
    assert fault.where and fault.where.path == tenants.path
    assert fault.remedy


@pytest.mark.parametrize(
    "said", [b"", frame(b"x"), document(Opened()) + frame(b"x") * 2, document(Opened())[:-1]]
)
def test_unpacked_kernels_that_are_none(
    tenants: Found, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    kernel: Kernel = InputCache().kernel(tenants)
    monkeypatch.setattr(untrusted, "giving", saying(said))
    with pytest.raises(ShimtoolError, match="no sound answer"):
        list(reopen.unpacked(kernel))
