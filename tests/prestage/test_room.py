"""Memory moved away, so that one aligned block of it is free: the map, the files, and refusals."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prestage.images import LOW_END, PAGE, has_block, map_entry
from tests.prestage.native import Job, Native, RefusedError, Region

MIB = 1 << 20
ENOUGH = 0x60000000  # the driver's: with so much memory none is moved
RESERVED = 2
BLOCK = 128 * MIB
FILES = ((18 * MIB, b"shim"), (19 * MIB, b"params"), (20 * MIB, b"kernel"), (30 * MIB, b"ramdisk"))


def hvm_map(size: int) -> bytes:
    """Write the map of a guest of `size` MiB, as SeaBIOS shows it under Xen."""
    end = size * MIB
    return b"".join(
        [
            map_entry(0, 0x9FC00),
            map_entry(0x9FC00, 0xA0000, RESERVED),
            map_entry(0xF0000, 0x100000, RESERVED),
            map_entry(0x100000, end - 2 * PAGE),
            map_entry(end - 2 * PAGE, end, RESERVED),
            map_entry(0xFC000000, 1 << 32, RESERVED),
        ]
    )


def reserved_to(end: int) -> bytes:
    """Write a map of 900 MiB, and of more up to `end` that is no memory."""
    return map_entry(0x100000, 900 * MIB) + map_entry(900 * MIB, end, RESERVED)


@dataclass(frozen=True, slots=True)
class Made:
    """What came of it: pages that were moved, where the files are, and the map."""

    moves: list[tuple[int, int, int]]
    files: list[tuple[int, int]]
    map: list[tuple[int, int, int]]

    @property
    def memory(self) -> list[tuple[int, int]]:
        """The map's memory from where the shim ends."""
        return [(start, end) for start, end, kind in self.map if kind == 1 and end > LOW_END]


def make_room(
    native: Native,
    memory_map: bytes,
    block: int = BLOCK,
    files: Sequence[tuple[int, bytes]] = FILES,
) -> Made:
    regions = [Region(0, memory_map), *(Region(at, content) for at, content in files)]
    *numbers, size = native.run(Job.ROOM, regions, block).numbers
    rest, words = numbers[: -(size // 4)], numbers[-(size // 4) :]
    moves, places = rest[:-8], rest[-8:]
    listed = struct.iter_unpack("<IQQI", struct.pack(f"<{len(words)}I", *words))
    return Made(
        moves=list(zip(moves[::3], moves[1::3], moves[2::3], strict=True)),
        files=list(zip(places[::2], places[1::2], strict=True)),
        map=[(start, start + length, kind) for _, start, length, kind in listed],
    )


def refusal(native: Native, memory_map: bytes, block: int = BLOCK) -> str:
    with pytest.raises(RefusedError) as caught:
        make_room(native, memory_map, block)
    return str(caught.value)


def test_all_but_the_block_goes_behind_the_end(native: Native) -> None:
    made = make_room(native, hvm_map(278))
    end, last = 278 * MIB, 278 * MIB - 2 * PAGE
    first, second = BLOCK - LOW_END, last - 2 * BLOCK
    assert made.moves == [
        (LOW_END, end, first // PAGE),
        (2 * BLOCK, end + first, second // PAGE),
    ]
    assert made.memory == [(BLOCK, 2 * BLOCK), (end, end + first + second)]
    by = end - LOW_END
    assert made.files == [(at + by, at + by + len(content)) for at, content in FILES]


def test_what_is_no_memory_stays_where_it_is(native: Native) -> None:
    made = make_room(native, hvm_map(278))
    assert made.map[:4] == [
        (0, 0x9FC00, 1),
        (0x9FC00, 0xA0000, RESERVED),
        (0xF0000, 0x100000, RESERVED),
        (0x100000, LOW_END, 1),
    ]
    assert (278 * MIB - 2 * PAGE, 278 * MIB, RESERVED) in made.map
    assert (0xFC000000, 1 << 32, RESERVED) in made.map


def test_where_there_is_enough_nothing_is_moved(native: Native) -> None:
    """As when somebody raised memory= in the new config."""
    for end in (ENOUGH, 3 << 30, 9 << 30):
        memory_map = map_entry(0x100000, end)
        made = make_room(native, memory_map)
        assert (made.moves, made.map) == ([], [(0x100000, end, 1)])
        assert made.files == [(at, at + len(content)) for at, content in FILES]
    assert make_room(native, hvm_map(278) + map_entry(ENOUGH - PAGE, ENOUGH - 1, RESERVED)).moves


def test_only_whole_pages_are_moved_to_a_large_page(native: Native) -> None:
    memory_map = map_entry(0x100000, 20 * MIB + 5) + map_entry(20 * MIB + 9, 300 * MIB + 77)
    made = make_room(native, memory_map, files=(*FILES[:2], (25 * MIB, b"kernel")))
    assert made.moves == [
        (LOW_END, 302 * MIB, 10 << 8),
        (20 * MIB + PAGE, 312 * MIB, (108 << 8) - 1),
        (2 * BLOCK, 420 * MIB - PAGE, 44 << 8),
    ]


def test_memory_above_4_gib_stays(native: Native) -> None:
    high = map_entry(4 << 30, 5 << 30)
    assert (4 << 30, 5 << 30, 1) in make_room(native, hvm_map(278) + high).map


def test_many_pages_are_moved_in_several_calls(native: Native) -> None:
    made = make_room(native, hvm_map(500), 64 * MIB)
    assert [count for *_, count in made.moves] == [54 << 8, 0x8000, 0x8000, (116 << 8) - 2]
    assert made.memory[0] == (64 * MIB, 128 * MIB)


def test_a_block_with_a_file_in_it_is_passed_over(native: Native) -> None:
    files = (*FILES[:3], (127 * MIB, bytes(2 * MIB)))
    made = make_room(native, hvm_map(400), files=files)
    assert made.memory[0] == (2 * BLOCK, 3 * BLOCK)
    assert made.files[3][1] - made.files[3][0] == 2 * MIB


def test_without_a_ramdisk(native: Native) -> None:
    assert make_room(native, hvm_map(278), files=FILES[:3]).files[3] == (0, 0)


def test_long_entries_are_read_and_come_out_short(native: Native) -> None:
    plain = hvm_map(278)
    at = 3 * 24
    long = plain[:at] + map_entry(0x100000, 278 * MIB - 2 * PAGE, more=bytes(4)) + plain[at + 24 :]
    assert make_room(native, long) == make_room(native, plain)


@pytest.mark.parametrize(
    ("words", "memory_map"),
    [
        ("too little memory for its kernel: no block of 0x8000000 bytes; raise", hvm_map(256)),
        ("too little memory", b""),
        ("the memory map ends within an entry, at 144", hvm_map(278) + b"\x14"),
        ("an entry of 19 bytes, at 0", b"\x13" + hvm_map(278)[1:]),
        ("an entry of 4294967295 bytes, at 0", b"\xff\xff\xff\xff" + hvm_map(278)[4:]),
        ("no room to move memory to, at 0x67600000", reserved_to(ENOUGH - 1)),
        (
            "a module lies where the memory map has no memory, at 0x1200000",
            map_entry(BLOCK, 1 << 29),
        ),
        ("gets longer than 8192 bytes", hvm_map(278) + map_entry(0x9FC00, 0xA0000, RESERVED) * 335),
        (
            "more than 16 pieces of memory",
            hvm_map(278) + b"".join(map_entry(n * MIB, n * MIB + PAGE) for n in range(280, 297)),
        ),
    ],
)
def test_what_cannot_be_is_refused(native: Native, words: str, memory_map: bytes) -> None:
    assert words in refusal(native, memory_map)


def test_a_file_across_a_hole_is_refused(native: Native) -> None:
    files = ((18 * MIB, bytes(2 * PAGE)), *FILES[1:])
    memory_map = map_entry(0x100000, 18 * MIB + PAGE) + map_entry(19 * MIB, 278 * MIB)
    with pytest.raises(RefusedError, match="has no memory, at 0x1200000"):
        make_room(native, memory_map, files=files)


@given(
    size=st.integers(40, 900),
    power=st.integers(22, 28),
    holes=st.lists(st.tuples(st.integers(33, 900), st.integers(1, 600)), max_size=3),
)
def test_nothing_is_lost_and_nothing_lies_twice(
    native: Native, size: int, power: int, holes: list[tuple[int, int]]
) -> None:
    """There is as much memory as before, a block in it is free, and no two pieces overlap."""
    before, at = [(0x100000, 31 * MIB)], 31 * MIB
    for start, pages in sorted(holes):
        if start * MIB > at:
            before.append((at, start * MIB))
            at = start * MIB + pages * PAGE
    if size * MIB > at:
        before.append((at, size * MIB))
    try:
        made = make_room(native, b"".join(map_entry(*each) for each in before), 1 << power)
    except RefusedError:
        files = [(at, at + len(content)) for at, content in FILES]
        assert not has_block(before, 1 << power, files)
        return
    pieces = sorted((start, end) for start, end, _ in made.map)
    assert sum(end - start for start, end in pieces) == sum(end - start for start, end in before)
    assert all(end <= start for (_, end), (start, _) in pairwise(pieces))
    block = next(piece for piece in made.memory if piece[1] - piece[0] == 1 << power)
    assert block[0] % (1 << power) == 0
    for start, end in made.files:
        assert end <= block[0] or block[1] <= start
        assert any(first <= start and end <= last for first, last in made.memory)
