"""The whole job on a loader's memory: what the shim gets, and modules that cannot be."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.prestage.images import (
    IO_APIC,
    LIST,
    LOADER_MAGIC,
    MODULES,
    PAGE,
    ROOM,
    ROOM_END,
    Loaded,
    Params,
    Segment,
    acpi,
    apic,
    elf,
    in_a_row,
    loader_memory,
    madt,
)
from tests.prestage.native import Answer, Job, Native, RefusedError, Region

SHIM = elf(Segment(b"shim", 64))
KERNEL, RAMDISK, GUARD = b"kernel" * 1000, b"\x1f\x8bramdisk" * 999, bytes(PAGE)
PARAMS = Params(
    vcpus=2, shim_size=len(SHIM), kernel_size=len(KERNEL), ramdisk_guard=PAGE,
    ramdisk_size=len(RAMDISK),
)  # fmt: skip
FILES = (SHIM, PARAMS.encode(), KERNEL, GUARD + RAMDISK)
FLAGS = 1 | 4 | 8 | 0x40 | 0x200  # memory, line, modules, map, loader's name
PROCESSORS = madt(*(apic(number) for number in range(4)), IO_APIC)


def prepare(
    native: Native, modules: Sequence[Loaded], magic: int = LOADER_MAGIC, **info: int
) -> Answer:
    regions = [
        *loader_memory(modules, **info),
        Region(ROOM, b"\xaa" * 4096),
        *acpi(PROCESSORS),
    ]
    return native.run(Job.PREPARE, regions, magic)


def refusal(native: Native, modules: Sequence[Loaded], **info: int) -> str:
    with pytest.raises(RefusedError) as caught:
        prepare(native, modules, **info)
    line = str(caught.value)
    assert line.startswith("prestage: cannot start the guest: ")
    assert line.count("\n") == 1
    return line


def test_the_shim_gets_kernel_ramdisk_and_lines(native: Native) -> None:
    modules = in_a_row(*FILES)
    done = prepare(native, modules)
    shim_line = modules[1].address + 60
    guest_line = shim_line + len(PARAMS.shim_line) + 1
    kernel, ramdisk = modules[2:]
    entry, *info = done.numbers
    assert entry == ROOM
    assert info == [
        *(FLAGS, 636, 0x7FC00, shim_line, 48, 2),
        *(kernel.address, kernel.address + len(KERNEL), guest_line),
        *(ramdisk.address + PAGE, ramdisk.address + PAGE + len(RAMDISK), 0),
    ]
    assert done.text == ""


def test_memory_of_the_modules_stays_as_it_is(native: Native) -> None:
    modules = in_a_row(*FILES)
    done = prepare(native, modules)
    assert done.memory[3 : 3 + len(FILES)] == FILES
    assert done.memory[3 + len(FILES)].startswith(b"shim".ljust(64, b"\0") + b"\xaa")


def test_without_a_ramdisk(native: Native) -> None:
    params = replace(PARAMS, ramdisk_guard=0, ramdisk_size=0, kernel_guard=PAGE)
    modules = in_a_row(SHIM, params.encode(), GUARD + KERNEL)
    info = prepare(native, modules).numbers[1:]
    kernel = modules[2].address + PAGE
    assert info[5:8] == (1, kernel, kernel + len(KERNEL))
    assert len(info) == 9


def test_event_vectors_are_set_for_the_processors_there_are(native: Native) -> None:
    for vcpus, there in ((1, 1), (2, 2), (8, 4)):
        params = replace(PARAMS, event_vector=0xF1, vcpus=vcpus)
        done = prepare(native, in_a_row(SHIM, params.encode(), *FILES[2:]))
        assert done.numbers[:2] == (0xF1, there)


def test_verbose_tells_each_step(native: Native) -> None:
    params = replace(PARAMS, verbose=1)
    text = prepare(native, in_a_row(SHIM, params.encode(), *FILES[2:])).text
    assert text == (
        "prestage: parameter file read: 2 vCPUs\r\n"
        "prestage: processors listed: 4, kept: 2\r\n"
        "prestage: shim: 0x40 bytes of memory at 0x200000\r\n"
        "prestage: module 0: 6000 bytes at 0x1203000\r\n"
        f"prestage: module 1: {len(RAMDISK)} bytes at 0x1206000\r\n"
    )


def test_where_room_is_made_files_and_lines_lie_elsewhere(native: Native) -> None:
    """The last of 512 MiB are at 0x20000000; all that lay low goes there, 4 MiB from its start."""
    params = replace(PARAMS, block=(128 << 20, 1 << 30))
    modules = in_a_row(SHIM, params.encode(), *FILES[2:])
    done = prepare(native, modules)
    moved = done.numbers[: -(1 + 6 + 6)]
    info = done.numbers[-(6 + 6) :]
    assert moved[:3] == (0x400000, 0x20000000, (128 - 4) << 8)
    by = 0x20000000 - 0x400000
    kernel, ramdisk = modules[2:]
    shim_line = modules[1].address + by + 68
    guest_line = shim_line + len(params.shim_line) + 1
    assert info == (
        *(FLAGS, 636, 0x7FC00, shim_line, 96, 2),
        *(by + kernel.address, by + kernel.address + len(KERNEL), guest_line),
        *(by + ramdisk.address + PAGE, by + ramdisk.address + PAGE + len(RAMDISK), 0),
    )


def test_room_cannot_be_made_without_a_map(native: Native) -> None:
    params = replace(PARAMS, block=(128 << 20, 1 << 30))
    modules = in_a_row(SHIM, params.encode(), *FILES[2:])
    assert "too little memory for its kernel: no block of 0x8000000 bytes; raise" in refusal(
        native, modules, flags=8
    )


def test_without_map_and_memory_sizes(native: Native) -> None:
    numbers = prepare(native, in_a_row(*FILES), flags=8).numbers
    assert numbers[1] == FLAGS & ~0x41
    assert numbers[5] == 0


def test_not_a_multiboot_loader(native: Native) -> None:
    with pytest.raises(RefusedError, match="multiboot loader, but with 0x36d76289"):
        prepare(native, in_a_row(*FILES), magic=0x36D76289)


def test_a_huge_map(native: Native) -> None:
    assert "the memory map has 8193 bytes" in refusal(native, in_a_row(*FILES), map_size=8193)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 2**32 - 1])
def test_too_few_or_too_many_modules(native: Native, count: int) -> None:
    assert f"gave {count} modules instead of" in refusal(native, in_a_row(*FILES), count=count)


def test_no_modules(native: Native) -> None:
    assert "gave 0 modules" in refusal(native, in_a_row(*FILES), flags=0x41)


def moved(number: int, address: int) -> list[Loaded]:
    modules = in_a_row(*FILES)
    modules[number] = replace(modules[number], address=address)
    return modules


def test_modules_where_they_cannot_be(native: Native) -> None:
    first = MODULES
    assert f"module 1 lies over module 0, at {first:#x}" in refusal(native, moved(1, first))
    assert "module 3 lies over module 2" in refusal(native, moved(3, in_a_row(*FILES)[2].address))
    assert "module 2 does not begin on a page" in refusal(native, moved(2, 0x2000001))
    for place in (0, 0x100000, ROOM, ROOM_END - PAGE):
        assert f"module 0 lies in the memory kept for the shim, at {place:#x}" in refusal(
            native, moved(0, place)
        )


@pytest.mark.parametrize("end", [0, MODULES - 1, MODULES])
def test_an_empty_module(native: Native, end: int) -> None:
    regions = loader_memory(in_a_row(*FILES))
    entries = bytearray(regions[1].content)
    entries[4:8] = end.to_bytes(4, "little")
    regions[1] = Region(LIST, bytes(entries))
    with pytest.raises(RefusedError, match="module 0 is empty"):
        native.run(Job.PREPARE, regions, LOADER_MAGIC)


def test_files_that_the_loader_changed(native: Native) -> None:
    """As mboot.c32 does with what begins as gzip does; a file may also be missing."""
    shim, params, kernel, ramdisk = FILES
    assert f"the shim has {len(shim) + 1} bytes, not 0 + {len(shim)}" in refusal(
        native, in_a_row(shim + b"\0", params, kernel, ramdisk)
    )
    assert "the kernel has 5999 bytes, not 0 + 6000" in refusal(
        native, in_a_row(shim, params, kernel[1:], ramdisk)
    )
    assert f"the ramdisk has {len(RAMDISK)} bytes, not 4096 + {len(RAMDISK)}" in refusal(
        native, in_a_row(shim, params, kernel, RAMDISK)
    )
    assert "the ramdisk has 5 bytes, not 4096" in refusal(
        native, in_a_row(shim, params, kernel, b"short")
    )
    wrapped = replace(PARAMS, ramdisk_size=2**32 + 5 - PAGE).encode()
    assert "the ramdisk has 5 bytes, not 4096 + 4294963205" in refusal(
        native, in_a_row(shim, wrapped, kernel, b"short")
    )
    assert f"the ramdisk has 0 bytes, not 4096 + {len(RAMDISK)}" in refusal(
        native, in_a_row(shim, params, kernel)
    )
    none = replace(PARAMS, ramdisk_guard=0, ramdisk_size=0).encode()
    assert "the ramdisk has 4 bytes, not 0 + 0" in refusal(
        native, in_a_row(shim, none, kernel, b"more")
    )


def test_modules_in_another_order(native: Native) -> None:
    shim, params, kernel, ramdisk = FILES
    assert "no parameter file" in refusal(native, in_a_row(params, shim, kernel, ramdisk))
