"""What plan says that the files will take is what they take."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool.model import Compression
from tests.support import kernel_builder as build
from tests.support.dom0 import Dom0

SAID = re.compile(
    r"the (?:guest's|2 guests') files take ([\d,.]+) MB in (\S+); ([\d,.]+) MB are free"
)
PVH = ("--xen", "4.17.7")


def said(dom0: Dom0, *words: str) -> tuple[float, float]:
    """Return what the files take and what is free, in MB."""
    told = SAID.search(dom0.run("plan", *words).err)
    assert told
    assert told[2] == str(dom0.out)
    return float(told[1].replace(",", "")), float(told[3].replace(",", ""))


def taken(dom0: Dom0, *words: str) -> float:
    """Convert; return the sum of the guests' files in MB."""
    assert dom0.run("convert", *words).code == 0
    files = {name: data for name, data in dom0.written().items() if name != "shimtool-dm"}
    return sum(map(len, files.values())) / 1e6


def kernel_and_ramdisk(dom0: Dom0) -> None:
    dom0.guest("one")
    dom0.guest("two")


def stored_unpacked(dom0: Dom0) -> None:
    elf = build.elf(body=bytes(8_000_000), segment=build.notes(build.PV_NOTES))
    (dom0.boot / "vmlinux").write_bytes(build.packed(elf, Compression.GZIP))
    dom0.config("old.cfg", "name = 'old'\nkernel = '/boot/vmlinux'\n")


def pygrub(dom0: Dom0) -> None:
    for name in ("one", "two"):
        text = f"name = '{name}'\nbootloader = 'pygrub'\ndisk = ['/d/{name},raw,xvda,rw']\n"
        dom0.config(f"{name}.cfg", text)


@pytest.mark.parametrize("guests", [kernel_and_ramdisk, stored_unpacked, pygrub])
@pytest.mark.parametrize("words", [(), PVH, (*PVH, "--boot-loader", "pvgrub")])
def test_all_files(dom0: Dom0, guests: Callable[[Dom0], None], words: tuple[str, ...]) -> None:
    guests(dom0)
    needed, _free = said(dom0, *words)
    assert needed == pytest.approx(taken(dom0, *words), abs=0.06)


def test_what_is_free_where_the_folder_will_be(dom0: Dom0) -> None:
    dom0.guest()
    dom0.out.rmdir()
    _needed, free = said(dom0)
    assert free == pytest.approx(shutil.disk_usage(dom0.root).free / 1e6, rel=0.5)
    assert not dom0.out.exists()


def test_nothing_is_said_where_no_guest_can_be_converted(dom0: Dom0, tmp_path: Path) -> None:
    dom0.config("gone.cfg", f"name = 'gone'\nkernel = '{tmp_path}/gone'\n")
    assert "MB are free" not in dom0.run("plan").err
