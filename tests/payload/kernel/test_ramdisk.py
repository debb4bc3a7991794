"""Ramdisks: real cpio archives in every compression, and what is none."""

import gzip
import subprocess
from pathlib import Path

import pytest

from shimtool.model import Compression
from shimtool.payload.kernel.ramdisk import inspect_ramdisk
from shimtool.system.files import open_regular
from tests.support import debs
from tests.support import kernel_builder as build


def looked(folder: Path, data: bytes) -> tuple[bool, bool]:
    with open_regular(build.write(folder, data, "initrd")) as source:
        return inspect_ramdisk(source)[:2]


def cpio(form: str = "newc") -> bytes:
    """An archive made by cpio(1), of this test's own folder."""
    names = b"\n".join(str(p.name).encode() for p in Path(__file__).parent.glob("*.py"))
    (program,) = debs.unpacked("cpio").glob("**/bin/cpio")
    command = [str(program), "--quiet", "-o", "-H", form]
    return subprocess.run(
        command, input=names, cwd=Path(__file__).parent, capture_output=True, check=True
    ).stdout


@pytest.mark.parametrize("kind", list(Compression))
def test_cpio_in_every_compression(kind: Compression, tmp_path: Path) -> None:
    data = build.packed(cpio(), kind, sized=False)
    assert looked(tmp_path, data) == (kind is Compression.GZIP, True)


def test_what_a_gzipped_one_unpacks_to(tmp_path: Path) -> None:
    """As xl reads it, which unzips it for a PVH guest: the last word."""
    for data, size in ((gzip.compress(bytes(5000)), 5000), (b"\x1f\x8b", 0x8B1F), (cpio(), None)):
        with open_regular(build.write(tmp_path, data, "initrd")) as source:
            assert inspect_ramdisk(source)[2] == size


def test_cpio_with_checksums(tmp_path: Path) -> None:
    assert looked(tmp_path, cpio("crc")) == (False, True)


def test_gzip_parts_one_after_the_other(tmp_path: Path) -> None:
    assert looked(tmp_path, gzip.compress(cpio()) + gzip.compress(cpio())) == (True, True)


def test_microcode_first_and_padding(tmp_path: Path) -> None:
    main = build.packed(cpio(), Compression.ZSTD)
    assert looked(tmp_path, cpio() + main) == (False, True)
    assert looked(tmp_path, bytes(512) + main) == (False, True)
    assert looked(tmp_path, bytes(200_000) + cpio()) == (False, True)
    assert looked(tmp_path, gzip.compress(bytes(4096) + cpio())) == (True, True)


@pytest.mark.parametrize(
    "data",
    [
        b"title Debian\nroot (hd0)\n",  # pv-grub's menu.lst
        bytes(70_000),
        bytes(0x438) + b"\x53\xef" + bytes(5000),
        b"\xfd7zXZ\0 and then nothing of the kind",
        cpio("odc"),  # Linux does not take it
        build.packed(b"no archive", Compression.XZ),
        b"x",
    ],
)
def test_what_is_no_cpio(data: bytes, tmp_path: Path) -> None:
    assert looked(tmp_path, data) == (False, False)


def test_gzip_of_a_file_system_and_damaged_gzip(tmp_path: Path) -> None:
    assert looked(tmp_path, gzip.compress(bytes(0x438) + b"\x53\xef" + bytes(5000))) == (
        True,
        False,
    )
    assert looked(tmp_path, b"\x1f\x8b and no more") == (True, False)
