"""Real kernels of Debian, the same ones rewrapped, and kernels made by code."""

import re
import resource
import struct
import sys
from pathlib import Path

import pytest

from shimtool.dom0.paths import Found
from shimtool.errors import ShimtoolError
from shimtool.model import Compression, Kernel, KernelFacts, Wrapping
from shimtool.payload.inputs import InputCache
from shimtool.payload.kernel.image import inspect, unpack_elf
from shimtool.payload.reopen import open_source
from shimtool.system.files import open_regular
from tests.support import debs
from tests.support import kernel_builder as build
from tests.support.programs import run

GZIP, NONE = Compression.GZIP, Compression.NONE
PACKED = [kind for kind in Compression if kind is not NONE]


def facts(path: Path) -> KernelFacts:
    with open_regular(path) as source:
        return inspect(source)


def kernel(path: Path) -> Kernel:
    return InputCache().kernel(Found(str(path), path))


def elf_of(found: Kernel) -> bytes:
    with open_source(found.file) as source:
        return b"".join(unpack_elf(source, found.facts))


def refusal(path: Path) -> str:
    with pytest.raises(ShimtoolError) as caught:
        facts(path)
    (fault,) = caught.value.faults
    assert fault.where is not None and Path(fault.where.path) == path
    assert fault.remedy
    return fault.message


def test_debians_kernel() -> None:
    path = debs.kernel()
    found = kernel(path)
    said = found.facts
    assert said.version == path.name.removeprefix("vmlinuz-")
    assert (said.wrapping, said.compression) == (Wrapping.BZIMAGE, Compression.XZ)
    assert (said.bits, said.pv, said.guest_os) == (64, True, "linux")
    assert elf_of(found) == build.vmlinux()


def test_what_debians_kernel_takes_of_memory(tmp_path: Path) -> None:
    """Its image in a bzImage is longer than the ELF file: behind that are relocations."""
    found = kernel(debs.kernel()).facts.room
    assert found is not None
    assert found.image == len(build.vmlinux())
    alone = build.write(tmp_path, build.vmlinux())
    said = run(["readelf", "--wide", "--segments", alone])
    ends = [
        int(address, 16) + int(size, 16)
        for address, size in re.findall(r"^ +LOAD +\S+ \S+ (\S+) \S+ (\S+)", said, re.M)
    ]
    assert found.loaded == max(ends)
    assert (found.maps_ramdisk, found.maps_page_list) == (False, False)
    assert facts(alone).room == found


def test_what_old_kernels_take_of_memory(tmp_path: Path) -> None:
    """Neither PV GRUB nor XenLinux finds ramdisk and pages by itself."""
    grub = facts(debs.unpacked("grub-xen-host") / "usr/lib/grub-xen/grub-x86_64-xen.bin").room
    assert grub is not None
    assert (grub.maps_ramdisk, grub.maps_page_list) == (True, True)
    assert grub.loaded in range(4 << 20, 8 << 20)
    head = bytearray(build.elf(segment=bytes(16), sections={b"__xen_guest": (1, build.LEGACY)}))
    base, at = 0xFFFFFFFF80000000, 64  # of an ELF file of 64 bits; with physical addresses like it
    struct.pack_into("<IIQQQQQQ", head, at, 1, 7, 0, base, base + 0x100000, 16, 0x300000, 4096)
    (old, offset) = (facts(build.write(tmp_path, bytes(head))).room, b",PADDR_OFFSET=0xffffffff")
    assert old is not None
    assert (old.loaded, old.maps_ramdisk, old.maps_page_list) == (0x400000, True, True)
    told = build.LEGACY.replace(b",HYPERCALL", offset + b"80100000,HYPERCALL")
    head = bytearray(build.elf(segment=bytes(16), sections={b"__xen_guest": (1, told)}))
    struct.pack_into("<IIQQQQQQ", head, at, 1, 7, 0, base, base + 0x100000, 16, 0x300000, 4096)
    less = facts(build.write(tmp_path, bytes(head))).room
    assert less is not None
    assert less.loaded == 0x300000


def test_debians_cloud_kernel_is_lz4() -> None:
    found = kernel(debs.kernel_of(debs.package_behind("linux-image-cloud-amd64")))
    said = found.facts
    assert (said.compression, said.pv, said.guest_os) == (Compression.LZ4, True, "linux")
    assert elf_of(found).startswith(b"\x7fELF")


@pytest.mark.parametrize("image", ["grub-x86_64-xen.bin", "grub-i386-xen.bin"])
def test_pv_grub(image: str) -> None:
    said = facts(debs.unpacked("grub-xen-host") / "usr/lib/grub-xen" / image)
    assert (said.wrapping, said.pv, said.guest_os) == (Wrapping.ELF, True, "GRUB")
    assert said.bits == (64 if "x86_64" in image else 32)


def test_pvh_only_images_are_not_pv() -> None:
    grub = debs.unpacked("grub-xen-host") / "usr/lib/grub-xen/grub-i386-xen_pvh.bin"
    assert not facts(grub).pv
    assert not facts(debs.xen_shim()).pv


@pytest.mark.parametrize("kind", PACKED)
def test_real_kernel_rewrapped(kind: Compression, tmp_path: Path) -> None:
    image, payload = build.packed_vmlinux(kind)
    found = kernel(build.write(tmp_path, build.rewrapped(payload)))
    said = found.facts
    assert (said.wrapping, said.compression) == (Wrapping.BZIMAGE, kind)
    assert (said.pv, said.guest_os) == (True, "linux")
    assert elf_of(found) == image


def test_real_kernel_uncompressed_in_a_bzimage_and_alone(tmp_path: Path) -> None:
    image = build.vmlinux()
    inside = kernel(build.write(tmp_path, build.rewrapped(image), "bzImage"))
    alone = kernel(build.write(tmp_path, image, "vmlinux"))
    assert inside.facts.wrapping is Wrapping.BZIMAGE
    assert inside.facts.compression is alone.facts.compression is NONE
    assert alone.facts.wrapping is Wrapping.ELF
    assert alone.facts.version == debs.kernel().name.removeprefix("vmlinuz-")  # its banner
    assert elf_of(inside) == elf_of(alone) == image


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("bits", [32, 64])
def test_xenlinux_compressed_elf_with_legacy_section(
    kind: Compression, bits: int, tmp_path: Path
) -> None:
    body = bytes(100_000) + b"Linux version 2.6.18-398.el5xen (mockbuild@x) (gcc)" + bytes(300_000)
    image = build.elf(bits=bits, body=body, sections={b"__xen_guest": (1, build.LEGACY)})
    found = kernel(build.write(tmp_path, build.packed(image, kind, sized=False)))
    said = found.facts
    assert (said.wrapping, said.compression, said.bits) == (Wrapping.COMPRESSED_ELF, kind, bits)
    assert (said.pv, said.guest_os, said.version) == (True, "linux", "2.6.18-398.el5xen")
    assert elf_of(found) == image


@pytest.mark.parametrize("end", [b" " * 100, b"\0" * 100, b"\t\n" * 50], ids=range(3))
def test_a_banner_without_a_version(end: bytes, tmp_path: Path) -> None:
    body = b"Linux version " + end + bytes(1000)
    image = build.elf(segment=build.notes(build.PV_NOTES), body=body)
    assert kernel(build.write(tmp_path, image)).facts.version is None


def test_notes_in_a_section_only(tmp_path: Path) -> None:
    image = build.elf(
        sections={
            b".data": (1, b"x" * 99),
            b".notes": (7, build.notes(build.PV_NOTES)),
        }
    )
    assert facts(build.write(tmp_path, build.packed(image, GZIP))).pv


def test_a_foreign_note_segment_does_not_hide_the_sections(tmp_path: Path) -> None:
    image = build.elf(
        segment=build.notes({3: b"build-id"}, b"GNU\0"),
        sections={b"__xen_guest": (1, build.LEGACY)},
    )
    assert facts(build.write(tmp_path, image)).pv


MINI_OS = {5: b"xen-3.0\0", 6: b"Mini-OS\0", 8: b"generic\0"}


@pytest.mark.parametrize(
    ("values", "pv"),
    [
        (build.PV_NOTES, True),
        (
            {k: v for k, v in build.PV_NOTES.items() if k != 1},
            False,
        ),  # CONFIG_XEN without _PV
        ({18: bytes(8)}, False),  # a hypervisor, or PVH only
        ({**build.PV_NOTES, 5: b"xen-2.0\0"}, False),
        ({k: v for k, v in build.PV_NOTES.items() if k != 5}, False),
        ({**build.PV_NOTES, 6: b"plan9\0", 8: b"odd\0"}, False),
        (MINI_OS, True),  # without ENTRY: Xen takes the ELF entry
        ({**MINI_OS, 18: bytes(4)}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("bits", [32, 64])
def test_pv_as_xen_judges(values: dict[int, bytes], pv: bool, bits: int, tmp_path: Path) -> None:
    image = build.elf(bits=bits, segment=build.notes(values))
    said = facts(build.write(tmp_path, build.bzimage(build.packed(image, GZIP))))
    assert said.pv is pv
    assert (said.bits, said.version) == (bits, "4.9.0-made")


@pytest.mark.parametrize(
    ("legacy", "pv"),
    [
        (build.LEGACY, True),
        (b"GUEST_OS=Mini-OS,XEN_VER=xen-3.0,LOADER=generic\0", True),
        (b"GUEST_OS=linux,XEN_VER=2.0\0", False),
        (b"GUEST_OS=odd,XEN_VER=xen-3.0,LOADER=odd\0", False),
    ],
)
def test_legacy_strings_as_xen_judges(legacy: bytes, pv: bool, tmp_path: Path) -> None:
    image = build.elf(sections={b"__xen_guest": (1, legacy)})
    assert facts(build.write(tmp_path, image)).pv is pv


GOOD = build.elf(segment=build.notes(build.PV_NOTES), body=bytes(5000))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"#!/bin/sh\nexit\n", "a script"),
        (b"default=0\ntimeout 5\n", "a text file"),
        (bytes(5000), "zeros"),
        (b"MZ" + bytes(5000), "EFI program"),
        (bytes(0x8001) + b"CD001" + bytes(99), "ISO image"),
        (b"070701" + bytes(200), "cpio"),
        (build.packed(b"070701" + bytes(200), GZIP), "gzip data holding a cpio"),
        (build.packed(build.bzimage(b""), GZIP), "gzip data holding a bzImage"),
        (build.packed(GOOD, GZIP)[:60], "cannot unpack the gzip data"),
        (GOOD[:40], "the end is missing"),
        (build.elf(machine=183), "another processor"),
        (build.elf(kind=1), "no executable"),
        (build.bzimage(build.packed(GOOD, GZIP))[:1200], "cut short"),
        (build.bzimage(b"\x01\x02\x03\x04" * 99), "a bzImage holding unknown data"),
        (
            build.bzimage(build.packed(GOOD, GZIP), protocol=0x207),
            "boot protocol 2.07",
        ),
        (build.bzimage(b"\xfd7zXZ\0" + bytes(500)), "cannot unpack the xz data"),
        (b"\x02\x21\x4c\x18" + b"\xff" * 400, "longer than the format allows"),
    ],
)
def test_what_is_no_kernel_is_named(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in refusal(build.write(tmp_path, data))


def test_kernel_cut_short_after_its_notes_fails_when_unpacked(tmp_path: Path) -> None:
    tail = bytes(range(256)) * 4000
    image = build.packed(
        build.elf(segment=build.notes(build.PV_NOTES)) + tail,
        Compression.ZSTD,
    )
    path = build.write(tmp_path, build.bzimage(image[: len(image) // 2]))
    with pytest.raises(ShimtoolError):
        elf_of(kernel(path))


def test_a_false_size_in_a_bzimage_fails_when_unpacked(tmp_path: Path) -> None:
    lying = build.packed(GOOD, Compression.XZ, sized=False) + b"\x01\x02\x03\0"
    found = kernel(build.write(tmp_path, build.bzimage(lying)))
    with pytest.raises(ShimtoolError, match="but says 197121"):
        elf_of(found)


def test_a_kernel_replaced_after_inspection_is_not_stored(tmp_path: Path) -> None:
    path = build.write(tmp_path, GOOD)
    found = kernel(path)
    path.write_bytes(GOOD + b"more")
    with pytest.raises(ShimtoolError, match="changed"):
        elf_of(found)


def test_debians_kernel_takes_little_memory_and_time() -> None:
    program = (
        "import re, sys; from pathlib import Path;"
        "from shimtool.dom0.paths import Found; from shimtool.payload.inputs import InputCache;"
        "p = Path(sys.argv[1]); k = InputCache().kernel(Found('x', p)); assert k.facts.pv;"
        "print(re.search('VmHWM: *(.*) kB', Path('/proc/self/status').read_text())[1])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    peak = int(run([sys.executable, "-c", program, debs.kernel()]))
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    print(f"peak {peak / 1024:.1f} MB, {used:.2f} s CPU")
    assert peak < 60 * 1024
    assert used < 10  # about 0.5 on an idle machine
