"""Hostile kernels: mutated, cut, bombs. Facts or ShimtoolError, in bounded time and memory."""

import struct
import sys
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import lz4.block
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from shimtool.errors import ShimtoolError
from shimtool.model import Compression, KernelFacts
from shimtool.payload.kernel import compression
from shimtool.payload.kernel.image import inspect
from shimtool.payload.kernel.ramdisk import inspect_ramdisk
from shimtool.system.files import open_regular
from tests.support import kernel_builder as build
from tests.support.programs import run

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


MEGA = bytes(1 << 20)
SIZE = 700  # MiB, more than the limit


def bomb(kind: Compression) -> bytes:
    """A few kB or MB that unpack to 700 MiB, the notes said to be at the end."""
    head = bytearray(build.elf(segment=build.notes(build.PV_NOTES)))
    struct.pack_into("<Q", head, 64 + 8, (SIZE - 1) << 20)
    start = bytes(head) + bytes((8 << 20) - len(head))
    if kind is Compression.LZ4:
        blocks = [lz4.block.compress(part, store_size=False) for part in (start, bytes(8 << 20))]
        parts = [struct.pack("<I", len(block)) + block for block in blocks]
        made: bytes = b"\x02\x21\x4c\x18" + parts[0] + parts[1] * (SIZE // 8)
        return made
    packer = (
        zlib.compressobj(1, wbits=31)
        if kind is Compression.GZIP
        else zstandard.ZstdCompressor().compressobj()
    )
    packed: list[bytes] = [packer.compress(start)]
    packed += [packer.compress(MEGA) for _ in range(SIZE)]
    return b"".join([*packed, packer.flush()])


@pytest.mark.parametrize("kind", [Compression.GZIP, Compression.LZ4, Compression.ZSTD])
@pytest.mark.parametrize("wrapped", [False, True])
def test_bombs_are_given_up(kind: Compression, wrapped: bool, tmp_path: Path) -> None:
    made = bomb(kind)
    path = build.write(tmp_path, build.bzimage(made) if wrapped else made)
    program = (
        "import re, resource, sys; from pathlib import Path;"
        "resource.setrlimit(resource.RLIMIT_AS, (600 << 20,) * 2);"
        "resource.setrlimit(resource.RLIMIT_CPU, (60, 60));"
        "from shimtool.errors import ShimtoolError;"
        "from shimtool.payload.kernel.image import inspect\n"
        "try: inspect(open(sys.argv[1], 'rb'))\n"
        "except ShimtoolError as error: print(error)\n"
        "print(re.search('VmHWM: *(.*) kB', Path('/proc/self/status').read_text())[1])"
    )
    said, peak = run([sys.executable, "-c", program, path]).splitlines()
    assert "unpacks to more than 512 MiB" in said
    assert int(peak) < 80 << 10


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
    path = build.write(tmp_path, build.packed(build.elf(body=MEGA), Compression.XZ))
    monkeypatch.setattr(compression, "CPU_LIMIT", 0.0)
    with open_regular(path) as source, pytest.raises(ShimtoolError, match="takes more than 0 s"):
        inspect(source)


def test_huge_dictionaries_are_refused(tmp_path: Path) -> None:
    """An lzma header may ask for 4 GiB."""
    made = bytearray(build.packed(build.elf(body=MEGA), Compression.LZMA))
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
