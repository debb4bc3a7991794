"""How much memory a container gets: the guest's, the shim's share, and room to start its kernel."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shimtool.model import (
    Block,
    BootImage,
    Compression,
    Guest,
    GuestType,
    Host,
    Kernel,
    KernelBoot,
    KernelFacts,
    KernelRoom,
    Memory,
    MemoryWish,
    Mode,
    Payload,
    PreStage,
    Ramdisk,
    Settings,
    Shim,
    ShimKind,
    SourceFile,
    Syntax,
    Wrapping,
)
from shimtool.model.guest import ConfigString
from shimtool.plan.kernel_start import KernelStart
from shimtool.plan.memory import MOST_MEMORY, MOST_RAISED, memory, settings_of, with_share
from shimtool.shims.kinds import memory_share
from tests.conftest import EXAMPLES
from tests.prestage.images import PAGE, has_block

MIB = 1 << 20
SHIM = Shim("s", Path("/s"), 1, "cd" * 32, None, "4.17.7", frozenset(Mode), "-")
HOST = Host((4, 17, 7))
COMET = replace(SHIM, version="4.10.4")

# Debian's 6.1.0-50, as its headers say.
DEBIAN = KernelRoom(65905060, 77594624, maps_ramdisk=False, maps_page_list=False)
DEBIAN_SIZE, DEBIAN_PAYLOAD = 8222656, (21196, 8098996)
RAMDISK, UNZIPPED = 1821616, 4652496  # that of the end-to-end tests


def source(size: int) -> SourceFile:
    return SourceFile("/f", Path("/f"), size, "ab" * 32, (0, 0, 0, 0))


def kernel(
    room: KernelRoom | None = DEBIAN,
    size: int = DEBIAN_SIZE,
    packed: Compression = Compression.XZ,
    wrapping: Wrapping = Wrapping.BZIMAGE,
) -> Kernel:
    payload = DEBIAN_PAYLOAD if packed is Compression.XZ else (0, size)
    return Kernel(source(size), KernelFacts(wrapping, packed, payload, 64, pv=True, room=room))


def image(
    payload: Payload | None,
    shim: Shim = SHIM,
    *,
    unpack: bool = False,
    pre_stage: PreStage | None = None,
    shim_args: str = "pv-shim",
) -> BootImage:
    return BootImage(shim, shim_args, payload, "", pre_stage, unpack=unpack)


def guest(size: int, most: int | None = None, keys: str = "memory") -> Guest:
    boot = KernelBoot(ConfigString("/k", 1))
    lines = dict.fromkeys(keys.split(), 1)
    return Guest("g", Path("/g"), GuestType.PV, boot, size, most or size, 1, 1, keys=lines)


TINY = kernel(KernelRoom(MIB, 2 * MIB, False, False), MIB, Compression.NONE, Wrapping.ELF)
WITH_DEBIANS = Payload(kernel(), Ramdisk(source(RAMDISK), True, True, UNZIPPED))


def planned(
    size: int,
    payload: Payload | None,
    mode: Mode = Mode.HVM,
    wish: MemoryWish = MemoryWish.SAME,
    shim: Shim = SHIM,
) -> Memory:
    return memory(guest(size), image(payload, shim), HOST, mode, Settings(memory=wish))


# --- the share --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "hvm", "pvh"),  # MiB; what the shim 4.17.5 took under Xen 4.17, in KiB
    [
        (128, 22728, 22676), (256, 22728, 22676), (384, 24776, 24724), (512, 24776, 24724),
        (1024, None, 28820), (2048, 39112, 39060), (4096, 61776, 60188), (8192, 106848, 105260),
    ],
)  # fmt: skip
def test_the_share_is_what_was_measured(size: int, hvm: int | None, pvh: int) -> None:
    """Never less, and at most 3 MiB more."""
    for seen in filter(None, (hvm, pvh)):
        assert seen <= memory_share(SHIM, size) << 10 <= seen + (3 << 10)


@pytest.mark.parametrize(
    ("size", "least", "most"),
    [(1, 25, 32), (2, 35, 42), (4, 54, 61), (8, 98, 107), (16, 187, 198), (32, 364, 379),
     (64, 718, 743)],
)  # fmt: skip
def test_the_share_is_what_others_measured(size: int, least: int, most: int) -> None:
    """By size in GiB, xapi's developers of shims 4.12 and 4.13."""
    assert least <= memory_share(SHIM, size << 10) <= most


def test_shims_of_4_10_take_less_and_vixen_more() -> None:
    vixen = replace(SHIM, kind=ShimKind.VIXEN, version=None)
    assert memory_share(COMET, 512) == 20
    assert memory_share(vixen, 512) == 50
    assert memory_share(replace(SHIM, version=None), 512) == memory_share(SHIM, 512)


@given(st.integers(1, MOST_MEMORY))
def test_the_guest_has_what_it_had_and_hardly_more(size: int) -> None:
    container = with_share(SHIM, size)
    assert size <= container - memory_share(SHIM, container) <= size + 4
    smaller = container - 1
    assert smaller - memory_share(SHIM, smaller) < size


# --- room to start ----------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "needed"), [(Mode.HVM, 363), (Mode.PVH, 365)])
def test_a_small_guest_with_debians_kernel_is_raised(mode: Mode, needed: int) -> None:
    """xl unzips a PVH guest's ramdisk, so that takes more."""
    found = planned(256, WITH_DEBIANS, mode)
    assert (found.container, found.needed) == (needed, needed)
    assert found.guest == needed - memory_share(SHIM, needed)
    assert planned(512, WITH_DEBIANS, mode).container == with_share(SHIM, 512)


def test_a_tiny_kernel_needs_no_more_than_the_share() -> None:
    for size in (32, 64, 256):
        assert planned(size, Payload(TINY)).container == with_share(SHIM, size)


def test_how_the_kernel_is_stored_counts() -> None:
    def needed(of: Kernel, *, unpack: bool = False) -> int:
        found = memory(guest(64), image(Payload(of), unpack=unpack), HOST, Mode.HVM, Settings())
        assert found.needed is not None
        return found.needed

    plain = kernel(packed=Compression.NONE, wrapping=Wrapping.ELF, size=DEBIAN.image)
    zstd = kernel(packed=Compression.ZSTD, size=9 * MIB)
    assert needed(kernel()) - needed(plain) in range(14, 18)  # its file, and what it unpacks from
    assert needed(zstd) - needed(zstd, unpack=True) in range(16, 20)
    assert needed(zstd, unpack=True) == needed(plain)


@pytest.mark.parametrize("mode", Mode)
def test_a_gzipped_elf_kernel_is_unzipped_on_the_way_to_a_pvh_guest(mode: Mode) -> None:
    packed = kernel(size=20 * MIB, packed=Compression.GZIP, wrapping=Wrapping.COMPRESSED_ELF)
    plain = kernel(size=DEBIAN.image, packed=Compression.NONE, wrapping=Wrapping.ELF)
    found = memory(guest(64), image(Payload(packed)), HOST, mode, Settings())
    less = memory(guest(64), image(Payload(plain)), HOST, mode, Settings())
    assert (found.needed == less.needed) == (mode is Mode.PVH)


def test_old_kernels_map_their_ramdisk_and_a_list_of_pages() -> None:
    """Beyond a power of two, so that the block is twice as large."""
    room = KernelRoom(40 * MIB, 60 * MIB, maps_ramdisk=False, maps_page_list=False)
    archive = Ramdisk(source(6 * MIB), False, True)

    def needed(of: KernelRoom, size: int = 64) -> int:
        elf = kernel(of, 40 * MIB, Compression.NONE, Wrapping.ELF)
        found = memory(guest(size), image(Payload(elf, archive)), HOST, Mode.HVM, Settings())
        return found.needed or 0

    assert needed(room) < 210
    assert needed(replace(room, maps_ramdisk=True)) - needed(room) in range(126, 132)
    lists = replace(room, maps_page_list=True)
    assert needed(lists) < 210
    assert needed(lists, 4096) - needed(room, 4096) in range(126, 132)


@pytest.mark.parametrize("loaded", [-1, 0, 1 << 40, 1 << 63, (1 << 64) - 1])
def test_headers_cannot_ask_for_any_amount(loaded: int) -> None:
    """Who controls a kernel does not get a larger guest by it."""
    hostile = kernel(KernelRoom(loaded, loaded, maps_ramdisk=True, maps_page_list=True))
    found = planned(64, Payload(hostile, Ramdisk(source(1), True, True, -7)))
    assert found.container <= MOST_RAISED
    if loaded > MIB:
        assert found.container == with_share(SHIM, 64)
        assert found.needed is not None
        assert found.needed > MOST_RAISED


def test_a_kernel_that_is_not_known_gets_the_share() -> None:
    for payload in (None, Payload(kernel(room=None))):
        found = planned(256, payload)
        assert (found.container, found.needed) == (with_share(SHIM, 256), None)


# --- room that the pre-stage makes ------------------------------------------------------------


def with_room(
    size: int,
    payload: Payload = WITH_DEBIANS,
    wish: MemoryWish = MemoryWish.SAME,
    shim_args: str = "pv-shim",
    host: Host = HOST,
) -> Memory:
    shim = replace(SHIM, size=6 * MIB)
    of = image(payload, shim, pre_stage=PreStage(1), shim_args=shim_args)
    return memory(guest(size), of, host, Mode.HVM, Settings(memory=wish))


@pytest.mark.parametrize("size", [240, 256, 300, 335])
def test_a_small_guest_has_what_it_had(size: int) -> None:
    """Debian's kernel starts with 106 MiB less than otherwise."""
    found = with_room(size)
    assert size <= found.guest <= size + 4
    assert found.container < 363
    assert (found.block, found.needed) == (Block(128 * MIB, 363 * MIB), 257)


def test_the_share_is_of_where_memory_ends() -> None:
    """Of 327 MiB the last ones lie beyond 512, so that the shim's tables are 2 MiB larger."""
    small, large = with_room(256), with_room(300)
    assert small.container - small.guest + 2 == large.container - large.guest


def test_room_is_made_only_where_it_is_needed() -> None:
    assert with_room(335).block is not None
    for size in (338, 512, 4096):
        found = with_room(size)
        assert (found.block, found.container) == (None, with_share(SHIM, size))
    assert with_room(32, Payload(TINY)).block is None


def test_a_guest_too_small_for_that_is_raised_to_it() -> None:
    found = with_room(128)
    assert (found.container, found.needed) == (257, 257)
    assert found.block == Block(128 * MIB, 363 * MIB)


@pytest.mark.parametrize("xen", [None, (4, 9, 4), (4, 13, 5)])
def test_where_room_was_not_seen_made_memory_is_raised(xen: tuple[int, int, int] | None) -> None:
    """Unless that is not wanted, or the kernel needs more than anyone is raised to."""
    found = with_room(256, host=Host(xen))
    assert (found.container, found.needed, found.block) == (363, 363, None)
    assert found.raised
    kept = with_room(300, wish=MemoryWish.KEEP, host=Host(xen))
    assert (kept.container, kept.needed, kept.raised) == (300, 257, False)
    assert kept.block is not None
    large = Payload(kernel(KernelRoom(230 * MIB, 240 * MIB, False, False)))
    assert with_room(560, large, host=Host(xen)).block is not None


def test_keep_makes_room_too_where_that_helps() -> None:
    kept = with_room(257, wish=MemoryWish.KEEP)
    assert (kept.container, kept.needed, kept.guest) == (257, 257, 257 - memory_share(SHIM, 257))
    assert kept.block is not None
    kept = with_room(256, wish=MemoryWish.KEEP)
    assert (kept.container, kept.needed, kept.block) == (256, 257, None)


@pytest.mark.parametrize(
    ("megabytes", "least", "most"),  # of the ramdisk; on Xen 4.17 with shim 4.17.5
    [(1.74, 257, 257), (31.74, 272, 276), (91.74, 330, 338), (97, 385, 385)],
)
def test_what_is_said_to_be_needed_was_enough(megabytes: float, least: int, most: int) -> None:
    """The last one: its end lies in the second block, so that the third one is needed."""
    archive = Ramdisk(source(int(megabytes * MIB)), True, True, UNZIPPED)
    needed = with_room(256, Payload(kernel(), archive)).needed
    assert needed is not None
    assert least <= needed <= most


def test_no_room_is_made_where_it_cannot_be() -> None:
    """Without pre-stage, with a full line, an older shim, or of a kernel that is too large."""
    assert planned(256, WITH_DEBIANS).block is None
    full = "pv-shim " + "x" * (1023 - len("pv-shim  no-real-mode"))
    assert with_room(256, shim_args=full).block is not None
    assert with_room(256, shim_args=full + "x").block is None
    for version in ("4.10.4", None):
        shim = replace(SHIM, version=version)
        of = image(WITH_DEBIANS, shim, pre_stage=PreStage(1))
        assert memory(guest(256), of, HOST, Mode.HVM, Settings()).block is None
    huge = kernel(KernelRoom(600 * MIB, 10 * MIB, False, False))
    assert with_room(1200, Payload(huge)).block is None
    large = kernel(KernelRoom(200 * MIB, 200 * MIB, False, False))
    found = with_room(300, Payload(large))
    assert (found.block, found.container) == (None, with_share(SHIM, 300))


def test_of_large_guests_nothing_is_moved() -> None:
    """It goes behind their end, which must stay below what devices have."""
    room = KernelRoom(200 * MIB, 200 * MIB, False, False)
    archive = Ramdisk(source(400 * MIB), True, True, None)
    payload = Payload(kernel(room), archive)
    for size, moved in ((900, True), (980, True), (1000, False), (1100, False), (1500, False)):
        found = with_room(size, payload)
        assert (found.block is not None) == moved
        assert found.needed is not None
        assert (found.container < found.needed) == (size in {1000, 1100})


@given(
    loaded=st.integers(1, 200),
    file=st.integers(1, 40),
    ramdisk=st.integers(0, 160),
    shim=st.integers(1, 8),
)
@example(loaded=32, file=5, ramdisk=40, shim=6)  # its end lies in the second block
@settings(max_examples=EXAMPLES)
def test_what_is_needed_is_enough_to_find_a_block(
    loaded: int, file: int, ramdisk: int, shim: int
) -> None:
    """By the C code's rule (tests/prestage), wherever the files end that are loaded; all in MiB."""
    room = KernelRoom(loaded * MIB, loaded * MIB, maps_ramdisk=False, maps_page_list=False)
    archive = Ramdisk(source(ramdisk * MIB), True, True, None)
    payload = Payload(kernel(room, file * MIB), archive)
    of = image(payload, replace(SHIM, size=shim * MIB), pre_stage=PreStage(1))
    start = KernelStart(of, payload, Mode.HVM)
    needed = start.least(32, moved=True)
    at, files = 18 * MIB + PAGE, []
    for length in (shim * MIB, PAGE, PAGE + file * MIB, PAGE + ramdisk * MIB):
        files.append((at, at + length))
        at += length
    assert has_block([(MIB, needed * MIB - 2 * PAGE)], start.block(needed), files)


@given(st.integers(1, 2000), st.integers(1, 300), st.integers(0, 300), st.sampled_from(MemoryWish))
def test_a_block_is_asked_for_only_where_the_guest_starts_with_it(
    size: int, loaded: int, ramdisk: int, wish: MemoryWish
) -> None:
    room = KernelRoom(loaded * MIB, loaded * MIB, maps_ramdisk=False, maps_page_list=True)
    archive = Ramdisk(source(ramdisk * MIB), True, True, None)
    found = with_room(size, Payload(kernel(room), archive), wish)
    if found.block is not None:
        assert found.block.is_possible()
        assert found.needed is not None
        assert found.needed <= found.container
        assert found.container * MIB < found.block.enough


# --- what is written --------------------------------------------------------------------------


def test_keep_leaves_it_and_still_knows_what_is_needed() -> None:
    found = planned(256, WITH_DEBIANS, wish=MemoryWish.KEEP)
    assert (found.container, found.needed) == (256, 363)
    assert settings_of(guest(256), found) == []
    assert settings_of(guest(256, 512, "memory maxmem"), found) == [("maxmem", 256)]


@pytest.mark.parametrize("wish", MemoryWish)
@pytest.mark.parametrize("size", [128, 256, 1024])
def test_libvirts_video_memory_is_made_up_for(size: int, wish: MemoryWish) -> None:
    """In HVM, by libvirts as old as Xen 4.13; with keep the guest has so much less."""
    of, wanted = image(WITH_DEBIANS), Settings(memory=wish)
    by_libvirt = replace(guest(size), syntax=Syntax.LIBVIRT)
    for mode, xen, video in (
        (Mode.HVM, None, 8),
        (Mode.HVM, (4, 13, 0), 8),
        (Mode.HVM, (4, 14, 0), 0),
        (Mode.PVH, (4, 13, 0), 0),
    ):
        xl = memory(guest(size), of, Host(xen), mode, wanted)
        found = memory(by_libvirt, of, Host(xen), mode, wanted)
        more = video if wish is MemoryWish.SAME else 0
        assert found.video == video
        assert found.container == xl.container + more
        assert found.guest == max(0, xl.guest - video + more)
        assert found.needed is not None
        assert xl.needed is not None
        assert found.needed == xl.needed + video


def test_what_is_the_largest_size_there_is_stays() -> None:
    assert planned(MOST_MEMORY, Payload(TINY)).container == MOST_MEMORY


@pytest.mark.parametrize(
    ("keys", "most", "expected"),
    [
        ("memory", 512, "memory"),
        ("", 512, "memory"),
        ("maxmem", 512, "maxmem"),
        ("memory maxmem", 512, "memory maxmem"),
        ("memory maxmem", 1024, "memory maxmem"),
    ],
)
def test_each_key_that_says_the_size_is_set(keys: str, most: int, expected: str) -> None:
    """xl takes maxmem for memory where that alone is there, and 32 MiB without either."""
    size = with_share(SHIM, 512)
    found = settings_of(guest(512, most, keys), planned(512, Payload(TINY)))
    assert found == [(key, size) for key in expected.split()]
