"""Hostile kernels: mutated, cut, bombs. Facts or ShimtoolError, in bounded time and memory."""

import resource
import struct
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shimtool.errors import ShimtoolError
from shimtool.model import Compression, KernelFacts
from shimtool.payload.kernel import compression
from shimtool.payload.kernel.image import inspect
from shimtool.payload.kernel.ramdisk import inspect_ramdisk
from shimtool.system.files import open_regular
from tests.support import kernel_builder as build
from tests.support.cli import forked
from tests.support.compression_bombs import BOMBS

SECTIONS = {
    b".notes": (7, build.notes(build.PV_NOTES)),
    b"__xen_guest": (1, build.LEGACY),
}
SEEDS = [
    build.bzimage(
        build.packed(
            build.elf(segment=build.notes(build.PV_NOTES)),
            Compression.GZIP,
        )
    ),
    build.bzimage(build.elf(bits=32, segment=build.notes(build.PV_NOTES))),
    build.elf(sections=SECTIONS),
    build.elf(bits=32, sections=SECTIONS),
    *(
        build.packed(build.elf(sections=SECTIONS, body=bytes(500)), kind, sized=False)
        for kind in Compression
    ),
]


def judge(data: bytes) -> KernelFacts | None:
    with TemporaryDirectory() as folder:
        path = build.write(Path(folder), data)
        with open_regular(path) as source:
            inspect_ramdisk(source)
            try:
                return inspect(source)
            except ShimtoolError as error:
                assert all(fault.message for fault in error.faults)
                return None


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds_are_good(seed: bytes) -> None:
    facts = judge(seed)
    assert facts is not None
    assert facts.pv


@settings(max_examples=300, deadline=None)
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8),
    cut=st.one_of(st.none(), st.integers(1, 2000)),
)
def test_mutations(seed: bytes, changes: list[tuple[int, int]], cut: int | None) -> None:
    data = bytearray(seed)
    for at, value in changes:
        data[at % len(data)] = value
    judge(bytes(data[:cut]))


@settings(max_examples=200, deadline=None)
@given(
    bits=st.sampled_from([32, 64]),
    at=st.integers(16, 119),
    value=st.binary(min_size=1, max_size=8),
    packed=st.sampled_from([Compression.NONE, Compression.GZIP]),
)
def test_mutated_elf_headers(bits: int, at: int, value: bytes, packed: Compression) -> None:
    """Offsets, sizes and counts of any value, behind a compression too."""
    image = bytearray(build.elf(bits=bits, sections=SECTIONS, segment=build.notes({6: b"x\0"})))
    image[at : at + len(value)] = value
    judge(build.packed(bytes(image), packed))


def told(path: Path) -> None:
    """Say why a kernel is refused."""
    resource.setrlimit(resource.RLIMIT_AS, (600 << 20,) * 2)
    try:
        with path.open("rb") as source:
            inspect(source)
    except ShimtoolError as error:
        print(error)


@pytest.mark.parametrize("kind", [Compression.GZIP, Compression.LZ4, Compression.ZSTD])
@pytest.mark.parametrize("wrapped", [False, True])
def test_bombs_are_given_up(kind: Compression, wrapped: bool, tmp_path: Path) -> None:
    head = bytearray(build.elf(segment=build.notes(build.PV_NOTES)))
    struct.pack_into("<Q", head, 64 + 8, 700 << 20)  # its notes are beyond the limit
    made = BOMBS[kind](bytes(head))
    path = build.write(tmp_path, build.bzimage(made) if wrapped else made)
    ended = forked(partial(told, path))
    assert "unpacks to more than 512 MiB" in ended.out, ended
    assert ended.memory < 40  # MiB
    assert ended.cpu < 10


def test_note_segments_that_overlap_by_the_thousand(tmp_path: Path) -> None:
    """60,000 times the same MiB would be 60 GB to read."""
    count = 60_000
    image = bytearray(build.elf(segment=build.notes({6: b"x"})))
    table = len(image)
    segment = struct.pack("<IIQQQQQQ", 4, 4, 0, 0, 0, 1 << 20, 0, 4)
    struct.pack_into("<Q", image, 32, table)
    struct.pack_into("<H", image, 56, count)
    path = build.write(tmp_path, bytes(image) + segment * count)
    with open_regular(path) as source, pytest.raises(ShimtoolError, match="megabytes of notes"):
        inspect(source)


def test_slow_data_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build.write(tmp_path, build.packed(build.elf(body=bytes(1 << 20)), Compression.XZ))
    monkeypatch.setattr(compression, "CPU_LIMIT", 0.0)
    with open_regular(path) as source, pytest.raises(ShimtoolError, match="takes more than 0 s"):
        inspect(source)


def test_huge_dictionaries_are_refused(tmp_path: Path) -> None:
    """An lzma header may ask for 4 GiB."""
    made = bytearray(build.packed(build.elf(body=bytes(1 << 20)), Compression.LZMA))
    made[1:5] = b"\0\0\0\xff"
    with (
        open_regular(build.write(tmp_path, build.bzimage(bytes(made)))) as source,
        pytest.raises(ShimtoolError, match=r"(?i)memory"),
    ):
        inspect(source)


@pytest.mark.parametrize("kind", [k for k in Compression if k is not Compression.NONE])
def test_every_cut_of_compressed_data_is_noticed(kind: Compression, tmp_path: Path) -> None:
    whole = build.packed(b"".join(b"%d " % n for n in range(90_000)), kind, sized=False)
    for length in (len(whole) // 3, len(whole) - 9):
        path = build.write(tmp_path, whole[:length])
        with open_regular(path) as source, pytest.raises(ShimtoolError) as caught:
            list(compression.open_stream(source, 0, length, kind))
        assert f"cannot unpack the {kind} data in {path}" in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "module", "package"),
    [
        (Compression.LZO, "lzallright", "lzallright"),
        (Compression.LZ4, "lz4.block", "lz4"),
        (Compression.ZSTD, "zstandard", "zstandard"),
    ],
)
def test_a_missing_codec_is_named(
    kind: Compression, module: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = build.write(tmp_path, build.packed(build.elf(), kind))
    monkeypatch.setitem(sys.modules, module, None)
    with open_regular(path) as source, pytest.raises(ShimtoolError) as caught:
        inspect(source)
    (fault,) = caught.value.faults
    assert package in fault.message
    assert f"pip install {package}" in str(fault.remedy)
