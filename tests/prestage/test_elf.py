"""Where the shim's segments go, and ELF files that lie about their sizes."""

from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conftest import EXAMPLES
from tests.prestage.images import ROOM, ROOM_END, Segment, elf
from tests.prestage.native import Answer, Job, Native, RefusedError, Region
from tests.support import debs

AT = 0x1300000
DIRTY = b"\xaa"


def load(native: Native, file: bytes, room: int = 4096) -> Answer:
    """Load into `room` bytes of memory that is not clean."""
    return native.run(Job.LOAD_SHIM, [Region(AT, file), Region(ROOM, DIRTY * room)])


def test_segments_are_placed_and_filled_up_with_zeros(native: Native) -> None:
    file = elf(
        Segment(b"first", 16),
        Segment(b"note", 4, kind=4),
        Segment(b"2nd", 9, paddr=ROOM + 100, vaddr=ROOM + 100),
    )
    done = load(native, file)
    wanted = b"first".ljust(16, b"\0") + DIRTY * 84 + b"2nd".ljust(9, b"\0")
    assert done.numbers == (ROOM, ROOM + 109)
    assert done.memory[1] == wanted.ljust(4096, DIRTY)
    assert done.memory[0] == file


def test_the_entry_is_a_virtual_address(native: Native) -> None:
    file = elf(Segment(vaddr=0xFFFF0000), entry=0xFFFF0002)
    assert load(native, file).numbers == (ROOM + 2, ROOM + 64)


def test_the_end_is_that_of_the_highest_segment(native: Native) -> None:
    """With what it has of zeros, wherever it stands in the table."""
    first, last = Segment(b"first", 16), Segment(b"2nd", 900, paddr=ROOM + 100, vaddr=ROOM + 100)
    for segments in ((first, last), (last, first)):
        assert load(native, elf(*segments)).numbers == (ROOM, ROOM + 1000)


def test_the_whole_room_is_the_shims(native: Native) -> None:
    size = ROOM_END - ROOM
    done = load(native, elf(Segment(memsz=size)), size)
    assert done.memory[1] == b"code".ljust(size, b"\0")


def test_debians_shim(native: Native) -> None:
    done = load(native, debs.xen_shim().read_bytes(), ROOM_END - ROOM)
    assert done.numbers == (ROOM, ROOM + (8 << 20))


SEGMENT = Segment()
WRONG = {
    "cut short: 51 bytes": elf(SEGMENT)[:51],
    "no program for 32-bit x86": b"\x7fELF\2" + elf(SEGMENT)[5:],
    "no program": elf(SEGMENT, machine=62),
    "32-bit x86 in ELF": elf(SEGMENT, type=3),
    "table of segments at 0xffffffff": elf(SEGMENT, phoff=2**32 - 1),
    "table of segments at 0x34": elf(SEGMENT, phnum=3),
    "its table of segments": elf(SEGMENT, phnum=0xFFFF, phentsize=0xFFFF),
    "damaged: its table": elf(SEGMENT, phentsize=31),
    "0x5 bytes at 0x54 go beyond its end at 0x58": elf(replace(SEGMENT, filesz=5)),
    "0x4 bytes at 0xfffffffe go beyond": elf(replace(SEGMENT, offset=2**32 - 2)),
    "0xffffffff bytes at 0x54 go beyond": elf(replace(SEGMENT, filesz=2**32 - 1)),
    "0x4 bytes for 0x3 bytes of memory": elf(replace(SEGMENT, memsz=3)),
    "wants 0x40 bytes of memory at 0x1fffff": elf(replace(SEGMENT, paddr=ROOM - 1)),
    "at 0x11fffc1, kept for it are 0x200000 to 0x1200000": elf(
        replace(SEGMENT, paddr=ROOM_END - 63)
    ),
    "wants 0xffffffff bytes of memory at 0x200000": elf(replace(SEGMENT, memsz=2**32 - 1)),
    "at 0xffffffff": elf(replace(SEGMENT, paddr=2**32 - 1)),
    "no loadable segment that holds its entry point 0x200000": elf(replace(SEGMENT, kind=4)),
    "holds its entry point 0x200000": elf(),
    "its entry point 0x200004": elf(SEGMENT, entry=ROOM + 4),
    "its entry point 0x1fffff": elf(SEGMENT, entry=ROOM - 1),
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_wrong_is_said(native: Native, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        load(native, WRONG[words])


near = st.integers(0, 80) | st.sampled_from([2**31, 2**32 - 80, 2**32 - 1])
segments = st.builds(
    Segment,
    st.binary(max_size=40),
    memsz=near,
    paddr=near.map(lambda at: (ROOM + at) % 2**32),
    vaddr=near,
    kind=st.sampled_from([1, 1, 1, 4]),
    filesz=st.none() | near,
    offset=st.none() | near,
)


headers = st.fixed_dictionaries(
    {"entry": near},
    optional={
        "phoff": near,
        "phnum": st.integers(0, 0xFFFF),
        "phentsize": st.integers(0, 0xFFFF),
    },
)


@given(parts=st.lists(segments, max_size=3), header=headers)
@example(parts=[Segment(paddr=ROOM, vaddr=0)], header={"entry": 3})  # one that is loaded
@settings(max_examples=EXAMPLES // 10)
def test_hostile_images_are_loaded_into_the_room_or_refused(
    native: Native, parts: list[Segment], header: dict[str, int]
) -> None:
    try:
        entry, end = load(native, elf(*parts, **header)).numbers
    except RefusedError:
        return
    assert ROOM <= entry < end <= ROOM_END
