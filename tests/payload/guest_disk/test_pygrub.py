"""What is extracted is what the real pygrub takes: kernel, ramdisk, and the words of the line."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from shimtool.payload.guest_disk.find_boot_entry import BootRequest
from shimtool.plan.bootloader import PygrubOptions, command_line
from tests.payload.guest_disk import pygrub
from tests.payload.guest_disk.support import (
    BOOT,
    KERNEL,
    NOTHING,
    RAMDISK,
    WHOLE,
    kernel,
    read,
    refused,
)
from tests.support import disks

OTHER = kernel(b"the other kernel" * 99)
TWO = disks.grub_cfg(
    ("First", "/boot/vmlinuz-6.1", "root=/dev/xvda1 ro  quiet", "/boot/initrd.img-6.1"),
    ("Second one", "/boot/other", "root=UUID=0-1\tro console=hvc0 a='b  c'", "/initrd.img"),
)
LEGACY = b"""\
# menu.lst
default		1
timeout		5
color cyan/blue white/blue

title		Debian GNU/Linux, kernel 6.1
root		(hd0,0)
kernel		/boot/vmlinuz-6.1 root=/dev/xvda1 ro
initrd		/boot/initrd.img-6.1
savedefault

title		Debian GNU/Linux (other)
root		(hd0,0)
kernel		(hd0,0)/boot/other root=/dev/xvda1 ro single
initrd		(hd0,0)/boot/initrd.img-6.1
"""
EXTLINUX = b"""\
## /boot/extlinux/extlinux.conf
default l1
prompt 1
timeout 50

label l0
	menu label first
	kernel /boot/vmlinuz-6.1
	append initrd=/boot/initrd.img-6.1 root=/dev/xvda1 ro quiet

label l1
	kernel /boot/other
	append root=/dev/xvda1 ro initrd=/boot/initrd.img-6.1 single
"""


def files(menu: bytes, path: str) -> dict[str, bytes | str]:
    made = {name: data for name, data in WHOLE.items() if name != "/boot/grub/grub.cfg"}
    return {**made, "/boot/other": OTHER, path: menu}


def agree(image: Path, *words: str) -> None:
    """Compare with pygrub, given the words as bootloader_args."""
    taken = pygrub.take(image, image.parent / "pygrub", *words)
    assert taken
    given = dict(word.removeprefix("--").split("=", 1) for word in words)
    asked = PygrubOptions(
        given.get("kernel"), given.get("ramdisk"), given.get("args", ""), given.get("entry")
    )
    mine = read(image, wanted=BootRequest(asked.entry, asked.kernel, asked.ramdisk))
    assert mine.kernel == taken.kernel
    assert mine.ramdisk == taken.ramdisk
    assert command_line(asked, mine.found.arguments) == taken.arguments


MENUS = {
    "grub2": (TWO, "/boot/grub/grub.cfg"),
    "grub2 in grub2": (TWO, "/boot/grub2/grub.cfg"),
    "second by default": (TWO.replace(b'default="0"', b'default="1"'), "/boot/grub/grub.cfg"),
    "beyond the last": (TWO.replace(b'default="0"', b'default="2"'), "/boot/grub/grub.cfg"),
    "far beyond": (TWO.replace(b'default="0"', b'default="77"'), "/boot/grub/grub.cfg"),
    "saved": (TWO.replace(b'default="0"', b'default="${saved_entry}"'), "/boot/grub/grub.cfg"),
    "a title": (TWO.replace(b'default="0"', b'default="Second one"'), "/boot/grub/grub.cfg"),
    "in a submenu": (TWO.replace(b'default="0"', b'default="1>0"'), "/boot/grub/grub.cfg"),
    "submenu": (b"submenu 'More' {\n" + TWO + b"}\n", "/boot/grub/grub.cfg"),
    "legacy": (LEGACY, "/boot/grub/menu.lst"),
    "legacy by its other name": (LEGACY, "/boot/grub/grub.conf"),
    "legacy saved": (LEGACY.replace(b"\t1", b" saved"), "/boot/grub/menu.lst"),
    "extlinux": (EXTLINUX, "/boot/extlinux/extlinux.conf"),
    "extlinux in boot": (EXTLINUX, "/boot/extlinux.conf"),
    "extlinux without default": (EXTLINUX.replace(b"default", b"ontimeout"), "/extlinux.conf"),
    "isolinux": (EXTLINUX, "/boot/isolinux/isolinux.cfg"),
}


@pytest.mark.parametrize("name", MENUS)
def test_menus(tmp_path: Path, name: str) -> None:
    agree(disks.ext(tmp_path / "disk.img", files(*MENUS[name])))


@pytest.mark.parametrize(
    "words",
    [
        ["--args=root=/dev/xvda2 ro console=hvc0"],
        ["--entry=1"],
        ["--entry=Second one", "--args=single"],
        ["--entry=9"],
        ["--entry=-1"],
        ["--entry=none of them"],
        ["--kernel=/boot/other"],
        ["--kernel=/vmlinuz", "--ramdisk=/initrd.img", "--args=a  b"],
    ],
)
def test_options(tmp_path: Path, words: Sequence[str]) -> None:
    agree(disks.ext(tmp_path / "disk.img", files(TWO, "/boot/grub/grub.cfg")), *words)


@pytest.mark.parametrize(("label", "active"), [("dos", 0), ("dos", 1), ("gpt", 0)])
def test_the_first_partition_with_a_menu(tmp_path: Path, label: str, active: int) -> None:
    """Both hold one: the first in order counts."""
    one = disks.ext(tmp_path / "one.img", BOOT, "ext2")
    two = disks.ext(tmp_path / "two.img", files(LEGACY, "/boot/grub/menu.lst"))
    image = disks.partitioned(tmp_path / "disk.img", [None, one, two], label)
    if active:
        disks.run("sfdisk", "-q", "-A", image, str(active + 1))
    agree(image)


def test_an_active_partition_that_is_not_the_first(tmp_path: Path) -> None:
    """pygrub prefers it under Python 2 and not under Python 3: nobody knows which was meant."""
    one = disks.ext(tmp_path / "one.img", BOOT, "ext2")
    two = disks.ext(tmp_path / "two.img", files(LEGACY, "/boot/grub/menu.lst"))
    image = disks.partitioned(tmp_path / "disk.img", [one, two], active=2)
    taken = pygrub.take(image, tmp_path / "pygrub")
    assert taken and taken.kernel == KERNEL
    said = refused(image)
    assert "partition 1 and partition 2" in said
    assert f"--offset={(1 << 20) + one.stat().st_size}" in said
    (single := tmp_path / "sub").mkdir()
    one = disks.ext(single / "one.img", NOTHING, "ext2")
    agree(disks.partitioned(single / "disk.img", [one, two], active=2))


def test_a_menu_that_cannot_boot_is_passed_by(tmp_path: Path) -> None:
    empty = disks.ext(tmp_path / "one.img", {"/boot/grub/grub.cfg": b"set default=0\n"}, "ext2")
    two = disks.ext(tmp_path / "two.img", BOOT)
    agree(disks.partitioned(tmp_path / "disk.img", [empty, two]))


def test_a_file_system_with_the_mark_of_a_boot_sector(tmp_path: Path) -> None:
    image = disks.ext(tmp_path / "disk.img", WHOLE)
    with image.open("r+b") as file:
        file.seek(510)
        file.write(b"\x55\xaa")
    agree(image)


def test_nothing_there(tmp_path: Path) -> None:
    image = disks.ext(tmp_path / "disk.img", NOTHING)
    assert pygrub.take(image, tmp_path / "pygrub") is None
    assert "has a boot menu" in refused(image)


# --- where pygrub finds nothing, and what is meant is plain --------------------------------------

XEN2 = b"""\
menuentry 'Debian, with Xen' --class xen {
	multiboot	/boot/xen-4.17.gz placeholder  dom0_mem=1G
	module	/boot/vmlinuz-6.1 placeholder root=/dev/xvda1 ro
	module	--nounzip   /boot/initrd.img-6.1
}
"""
XEN_LEGACY = b"""\
title Xen
kernel /boot/xen-4.1.gz dom0_mem=1G
module /boot/vmlinuz-6.1 root=/dev/xvda1 ro
module /boot/initrd.img-6.1
"""
MBOOT = b"""\
LABEL xen
KERNEL mboot.c32
APPEND /boot/xen.gz dom0_mem=1G --- /boot/vmlinuz-6.1 root=/dev/xvda1 ro --- /boot/initrd.img-6.1
"""


@pytest.mark.parametrize(
    ("menu", "path", "line"),
    [
        (XEN2, "/boot/grub/grub.cfg", "placeholder root=/dev/xvda1 ro"),
        (XEN_LEGACY, "/boot/grub/menu.lst", "root=/dev/xvda1 ro"),
        (MBOOT, "/boot/extlinux.conf", "root=/dev/xvda1 ro"),
    ],
)
def test_an_entry_that_boots_a_xen(tmp_path: Path, menu: bytes, path: str, line: str) -> None:
    made = {**files(menu, path), "/boot/xen-4.17.gz": b"x", "/boot/xen-4.1.gz": b"x"}
    result = read(disks.ext(tmp_path / "disk.img", made))
    assert (result.kernel, result.ramdisk) == (KERNEL, RAMDISK)
    assert result.found.arguments == line


BLS_CFG = b"""\
set default="${saved_entry}"
insmod blscfg
blscfg
"""
BLS = """\
title Fedora Linux ({version})
version {version}
linux /boot/{kernel}
initrd /boot/initrd.img-6.1
options $kernelopts ${{more}}selinux=0
grub_users $grub_users
"""


@pytest.mark.parametrize(("saved", "default"), [("id-5.9.1", OTHER), ("", KERNEL), ("1", OTHER)])
def test_boot_loader_specification(tmp_path: Path, saved: str, default: bytes) -> None:
    entries = {
        "id-5.10.0": BLS.format(version="5.10.0", kernel="vmlinuz-6.1"),
        "id-5.9.1": BLS.format(version="5.9.1", kernel="other"),
    }
    made = {f"/boot/loader/entries/{name}.conf": text.encode() for name, text in entries.items()}
    environment = f"# GRUB Environment Block\nsaved_entry={saved}\nkernelopts=root=/dev/xvda1 ro \n"
    made["/boot/grub2/grubenv"] = environment.ljust(1024, "#").encode()
    image = disks.ext(tmp_path / "disk.img", {**files(BLS_CFG, "/boot/grub2/grub.cfg"), **made})
    result = read(image)
    assert result.kernel == default
    assert command_line(PygrubOptions(), result.found.arguments) == "root=/dev/xvda1 ro selinux=0"
