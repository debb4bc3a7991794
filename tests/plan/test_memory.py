"""How much memory a container gets: the guest's, the shim's share, and room to start its kernel."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shimtool.model import (
    BootImage,
    Compression,
    Guest,
    GuestType,
    Kernel,
    KernelBoot,
    KernelFacts,
    KernelRoom,
    Memory,
    MemoryWish,
    Mode,
    Payload,
    Ramdisk,
    Settings,
    Shim,
    ShimKind,
    SourceFile,
    Wrapping,
)
from shimtool.model.guest import ConfigString
from shimtool.plan.memory import MOST_MEMORY, MOST_RAISED, memory, settings_of, with_share
from shimtool.shims.kinds import memory_share

MIB = 1 << 20
SHIM = Shim("s", Path("/s"), 1, "cd" * 32, None, "4.17.7", frozenset(Mode), "-")
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


def image(payload: Payload | None, shim: Shim = SHIM, *, unpack: bool = False) -> BootImage:
    return BootImage(shim, "pv-shim", payload, "", unpack=unpack)


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
    return memory(guest(size), image(payload, shim), mode, Settings(memory=wish))


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
        found = memory(guest(64), image(Payload(of), unpack=unpack), Mode.HVM, Settings())
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
    found = memory(guest(64), image(Payload(packed)), mode, Settings())
    less = memory(guest(64), image(Payload(plain)), mode, Settings())
    assert (found.needed == less.needed) == (mode is Mode.PVH)


def test_old_kernels_map_their_ramdisk_and_a_list_of_pages() -> None:
    """Beyond a power of two, so that the block is twice as large."""
    room = KernelRoom(40 * MIB, 60 * MIB, maps_ramdisk=False, maps_page_list=False)
    archive = Ramdisk(source(6 * MIB), False, True)

    def needed(of: KernelRoom, size: int = 64) -> int:
        elf = kernel(of, 40 * MIB, Compression.NONE, Wrapping.ELF)
        found = memory(guest(size), image(Payload(elf, archive)), Mode.HVM, Settings())
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


# --- what is written --------------------------------------------------------------------------


def test_keep_leaves_it_and_still_knows_what_is_needed() -> None:
    found = planned(256, WITH_DEBIANS, wish=MemoryWish.KEEP)
    assert (found.container, found.needed) == (256, 363)
    assert settings_of(guest(256), found) == []
    assert settings_of(guest(256, 512, "memory maxmem"), found) == [("maxmem", 256)]


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
