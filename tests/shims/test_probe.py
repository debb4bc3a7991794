import hashlib
import lzma
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shimtool.errors import ShimtoolError
from shimtool.model import Mode, ShimKind
from shimtool.shims.known import Known
from shimtool.shims.probe import MULTIBOOT1, probe, xen_version
from tests.support import debs
from tests.support.programs import run

HVM = frozenset({Mode.HVM})
PT_NOTE = 4
PHYS32_NOTE = struct.pack("<III4s", 4, 4, 18, b"Xen\0")


def segments(data: bytes) -> list[tuple[int, int, int]]:
    """Type, offset and size in the file of each segment, as the System V ABI lays them out."""
    table, count = struct.unpack_from("<I", data, 28)[0], struct.unpack_from("<H", data, 44)[0]
    rows = [struct.unpack_from("<8I", data, table + 32 * index) for index in range(count)]
    return [(row[0], row[1], row[4]) for row in rows]


def refusal(path: Path) -> ShimtoolError:
    with pytest.raises(ShimtoolError) as caught:
        probe(path)
    (fault,) = caught.value.faults
    assert fault.where is not None
    assert str(fault.where.path) == str(path)
    assert fault.remedy
    return caught.value


def test_debians_shim_is_told_from_its_bytes(real_shim: bytes) -> None:
    found = probe(debs.xen_shim())
    package_version = run(["dpkg-deb", "-f", debs.deb("xen-utils-4.17"), "Version"])
    assert found.version == xen_version(package_version)
    assert found.modes == {Mode.HVM, Mode.PVH}
    assert found.size == len(real_shim)
    assert found.sha256 == hashlib.sha256(real_shim).hexdigest()
    assert found.kind == "pvshim"


def test_the_build_id_is_the_one_that_the_linker_wrote(real_shim: bytes) -> None:
    head = struct.pack("<III4s", 4, 20, 3, b"GNU\0")
    at = real_shim.index(head) + len(head)
    assert probe(debs.xen_shim()).build_id == real_shim[at : at + 20].hex()


def test_an_ordinary_hypervisor_is_refused_as_such(hypervisor: Path) -> None:
    assert "ordinary Xen hypervisor" in str(refusal(hypervisor))


def test_a_vixen_is_taken_by_its_sha256_for_hvm_only(hypervisor: Path) -> None:
    digest = hashlib.sha256(hypervisor.read_bytes()).hexdigest()
    known = Known("4.9.1-vixen", "4.9.1", ShimKind.VIXEN, digest, None)
    found = probe(hypervisor, [known])
    assert (found.name, found.version, found.kind) == ("4.9.1-vixen", "4.9.1", "vixen")
    assert found.modes == {Mode.HVM}


def test_a_vixen_is_told_by_its_own_words(vixen: Path) -> None:
    found = probe(vixen)
    assert (found.kind, found.modes, found.version) == (ShimKind.VIXEN, HVM, None)


def test_an_admin_may_vouch_for_a_vixen(hypervisor: Path) -> None:
    found = probe(hypervisor, vouched=ShimKind.VIXEN)
    assert (found.kind, found.modes) == (ShimKind.VIXEN, HVM)


def test_nobody_can_vouch_for_what_says_itself_that_it_is_another_kind(
    hypervisor: Path, vixen: Path, tmp_path: Path
) -> None:
    for file, said, reason in (
        (debs.xen_shim(), ShimKind.VIXEN, "of the kind pvshim, not vixen"),
        (vixen, ShimKind.PVSHIM, "of the kind vixen, not pvshim"),
        (hypervisor, ShimKind.PVSHIM, "ordinary Xen hypervisor"),
        (debs.kernel(), ShimKind.VIXEN, "Linux bzImage"),
    ):
        with pytest.raises(ShimtoolError, match=reason):
            probe(file, vouched=said)
    # Without a multiboot header nothing could start it.
    data = hypervisor.read_bytes()
    (tmp_path / "x").write_bytes(data.replace(struct.pack("<I", MULTIBOOT1), bytes(4)))
    with pytest.raises(ShimtoolError, match="bootable neither"):
        probe(tmp_path / "x", vouched=ShimKind.VIXEN)


def test_a_known_build_id_gives_name_and_version() -> None:
    build_id = probe(debs.xen_shim()).build_id
    found = probe(debs.xen_shim(), [Known("4.10.4-x", "4.10.4", ShimKind.PVSHIM, None, build_id)])
    assert (found.name, found.version) == ("4.10.4-x", "4.10.4")


def test_a_bzimage_is_refused() -> None:
    assert "Linux bzImage" in str(refusal(debs.kernel()))


def test_a_64_bit_vmlinux_is_refused(tmp_path: Path) -> None:
    image = debs.kernel().read_bytes()
    vmlinux = lzma.LZMADecompressor().decompress(image[image.index(b"\xfd7zXZ\0") :])
    assert vmlinux[:5] == b"\x7fELF\x02"
    (tmp_path / "vmlinux").write_bytes(vmlinux)
    assert "64-bit" in str(refusal(tmp_path / "vmlinux"))


def test_pv_grub_for_pvh_is_refused_as_a_guest_kernel(tmp_path: Path) -> None:
    # A 32-bit ELF with PHYS32_ENTRY like a shim: the likeliest mix-up.
    modules = debs.unpacked("grub-xen-bin") / "usr/lib/grub/i386-xen_pvh"
    image = tmp_path / "grub-i386-xen_pvh.bin"
    run(["grub-mkimage", "-O", "i386-xen_pvh", "-d", modules, "-p", "/", "-o", image, "normal"])
    assert "no code of Xen's PV shim" in str(refusal(image))


Change = Callable[[bytes], bytes]
DAMAGED: dict[str, tuple[Change, str]] = {
    "empty": (lambda _: b"", "empty"),
    "half": (lambda d: d[: len(d) // 2], "cut off"),
    "one-byte-short": (lambda d: d[: sum(segments(d)[0][1:]) - 1], "cut off"),
    "header-only": (lambda d: d[:40], "cut off"),
    "no-program-headers": (lambda d: d[:60], "cut off"),
    "text": (lambda _: b"#!/bin/sh\n", "not an ELF file"),
    "big-endian": (lambda d: d[:5] + b"\x02" + d[6:], "little-endian"),
    "arm": (lambda d: d[:18] + b"\x28\0" + d[20:], "another machine"),
    "zero-segments": (lambda d: d[:44] + b"\0\0" + d[46:], "damaged ELF header"),
    "65535-segments": (lambda d: d[:44] + b"\xff\xff" + d[46:], "damaged ELF header"),
    "note-renamed": (lambda d: d.replace(PHYS32_NOTE, PHYS32_NOTE[:12] + b"XXX\0"), "ordinary"),
    "no-shim-code": (lambda d: d.replace(b"HVM_PARAM_STORE_PFN", b"?" * 19), "no code of Xen"),
    "too-large": (lambda d: d + bytes(64 << 20), "larger than 64 MiB"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_shim_is_refused_with_its_reason(
    case: str, real_shim: bytes, tmp_path: Path
) -> None:
    change, reason = DAMAGED[case]
    (tmp_path / case).write_bytes(change(real_shim))
    assert reason in str(refusal(tmp_path / case))


def test_without_multiboot_header_a_shim_serves_pvh_only(real_shim: bytes, tmp_path: Path) -> None:
    at = real_shim.index(struct.pack("<I", MULTIBOOT1))
    (tmp_path / "shim").write_bytes(real_shim[:at] + bytes(4) + real_shim[at + 4 :])
    assert probe(tmp_path / "shim").modes == {Mode.PVH}


def test_a_wrong_multiboot_checksum_does_not_count(real_shim: bytes, tmp_path: Path) -> None:
    at = real_shim.index(struct.pack("<I", MULTIBOOT1)) + 8
    (tmp_path / "shim").write_bytes(real_shim[:at] + bytes(4) + real_shim[at + 4 :])
    assert probe(tmp_path / "shim").modes == {Mode.PVH}


def test_a_shim_without_version_text_has_none(real_shim: bytes, tmp_path: Path) -> None:
    (tmp_path / "shim").write_bytes(real_shim.replace(b"\x004.17.", b"\0x.xx."))
    assert probe(tmp_path / "shim").version is None


def test_two_versions_in_the_text_are_not_certain(real_shim: bytes, tmp_path: Path) -> None:
    (tmp_path / "shim").write_bytes(real_shim + b"\x004.11.2\0")
    assert probe(tmp_path / "shim").version is None


@pytest.mark.parametrize(
    ("words", "version"),
    [
        ("4.17.7+13-g2445b30a44-0+deb12u1", "4.17.7"),
        ("4.8.5.final+shim4.10.4-1+deb9u12", "4.10.4"),
        ("1:4.14.6-1", "4.14.6"),
        ("4.10.1-r2", "4.10.1"),
        ("4.8.5-1", None),
        ("2.06-13", None),
        ("4.10", None),
        ("", None),
    ],
)
def test_xen_versions_of_packages(words: str, version: str | None) -> None:
    assert xen_version(words) == version


def test_folders_pipes_devices_and_missing_files_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "a directory" in str(refusal(tmp_path))
    assert "a named pipe" in str(refusal(tmp_path / "pipe"))
    assert "a character device" in str(refusal(Path("/dev/zero")))
    assert "No such file" in str(refusal(tmp_path / "absent"))


def test_a_link_to_a_shim_is_followed_and_errors_name_the_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(debs.xen_shim())
    (tmp_path / "loose").symlink_to("nowhere")
    assert probe(tmp_path / "link") == probe(debs.xen_shim())
    assert "No such file" in str(refusal(tmp_path / "loose"))


def dynamic_with_many_sections(data: bytes) -> bytes:
    """The notes made a PT_DYNAMIC segment, and a section table that claims 2**32-1 entries."""
    made = bytearray(data) + bytes(20) + b"\xff\xff\xff\xff" + bytes(16)
    table = struct.unpack_from("<I", data, 28)[0]
    struct.pack_into("<I", made, table, 2)
    struct.pack_into("<I", made, 32, len(data))  # e_shoff
    struct.pack_into("<HHH", made, 46, 40, 0, 0)  # e_shentsize, e_shnum: see the first section
    return bytes(made)


def many_notes(data: bytes) -> bytes:
    """A note segment of megabytes: millions of empty notes."""
    made = bytearray(data) + bytes(8 << 20)
    table = struct.unpack_from("<I", data, 28)[0]
    struct.pack_into("<II", made, table, PT_NOTE, len(data))
    struct.pack_into("<I", made, table + 16, 8 << 20)
    return bytes(made)


@pytest.mark.parametrize("change", [dynamic_with_many_sections, many_notes])
def test_headers_that_would_keep_a_reader_busy_are_seen_through(
    change: Change, real_shim: bytes, tmp_path: Path
) -> None:
    (tmp_path / "busy").write_bytes(change(real_shim))
    start = time.process_time()
    try:
        probe(tmp_path / "busy")
    except ShimtoolError as error:
        assert error.faults[0].remedy
    assert time.process_time() - start < 5


# Places in what decides: 256 bytes with ELF, program and multiboot headers, then the notes.
HEAD = 256
NOTES = 0x38
PLACES = st.integers(0, HEAD + NOTES - 1)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(PLACES, st.integers(0, 255)), min_size=1, max_size=12))
@example([(0x2C, 0xFF), (0x2D, 0xFF)])
@example([(HEAD + at, 0xFF) for at in range(8)])
def test_flipped_header_bytes_give_an_answer_or_our_error(
    real_shim: bytes, tmp_path_factory: pytest.TempPathFactory, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(real_shim)
    ((_, note_area, size),) = (part for part in segments(real_shim) if part[0] == PT_NOTE)
    assert size == NOTES
    for place, value in flips:
        data[place if place < HEAD else note_area + place - HEAD] = value
    path = tmp_path_factory.getbasetemp() / f"mutant-{os.getpid()}"
    path.write_bytes(data)
    try:
        found = probe(path)
    except ShimtoolError as error:
        assert error.faults[0].remedy
    else:
        assert found.modes
        assert found.sha256 == hashlib.sha256(data).hexdigest()
