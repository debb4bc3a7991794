"""pygrub guests that PV GRUB boots in HVM mode, by the real command line."""

import json
from pathlib import Path

import pytest

from shimtool.model import Compression
from tests.support import disks
from tests.support.dom0 import EMPTY_CPIO, Dom0, make_dom0
from tests.support.kernel_builder import LEGACY, PV_NOTES, bzimage, elf, notes, packed
from tests.support.outputs import extract
from tests.support.told import lines

MARK = b"shimtool-pvgrub\0"
DISKS = "'/d/new.img,raw,xvdb,rw', '/d/old.img,raw,xvda,rw'"


@pytest.fixture
def dom0(tmp_path: Path) -> Dom0:
    return make_dom0(tmp_path)


def guest(dom0: Dom0, more: str = "", name: str = "web", disks: str = DISKS) -> Path:
    return dom0.config(
        f"{name}.cfg",
        f"name = '{name}'\nbootloader = 'pygrub'\nmemory = 512\ndisk = [{disks}]\n{more}",
    )


def asked(image: bytes) -> list[bytes]:
    """Return what a PV GRUB image is asked for."""
    _before, mark, after = image.partition(MARK)
    assert mark
    return after.split(b"\0")[:4]


def test_the_configs_words_are_in_its_image(dom0: Dom0) -> None:
    guest(dom0, "root = '/dev/xvdb1 ro'\nextra = '  $a \\\\ \"b\\\\\"'\n")
    result = dom0.run("convert")
    assert result.code == 0, result.err
    iso = dom0.out / "web.iso"
    words = b'root=/dev/xvdb1 ro   $a \\ "b\\"'
    assert asked(extract(iso, "kernel")) == [words, b"", b"", b"xvdb xvda"]
    checked = dom0.run("verify", iso, dom0.out / "web.cfg")
    assert checked.code == 0, checked.err
    assert "1 unchanged" in dom0.run("convert").err
    assert dom0.run("status").code == 0
    guest(dom0, "root = '/dev/xvdb1 ro'\nextra = 'other'\n")
    assert "was replaced" in dom0.run("status").out
    assert "1 converted" in dom0.run("convert").err
    assert dom0.run("verify", dom0.out / "web.cfg").code == 0


def test_verify_compares_the_image_with_its_config(dom0: Dom0) -> None:
    guest(dom0, "extra = 'one'\n")
    assert dom0.run("convert").code == 0
    new = dom0.out / "web.cfg"
    new.write_text(new.read_text().replace("extra = 'one'", "extra = 'two'"))
    result = dom0.run("verify", new)
    assert result.code == 1
    assert "the ISO has another request to PV GRUB than the config" in result.err


def test_a_cd_rom_that_is_listed_first(dom0: Dom0, tmp_path: Path) -> None:
    """pygrub would read it; so does PV GRUB, and goes on where nothing boots from it."""
    here = disk(tmp_path, bzimage(ELF))
    guest(dom0, disks=f"'/iso/debian.iso,raw,hdc,r,devtype=cdrom', 'phy:{DISK},xvda,w'")
    assert dom0.run("convert", *here).code == 0
    assert asked(extract(dom0.out / "web.iso", "kernel"))[3] == b"hdc xvda"
    said = dom0.run("plan", *here).out
    assert "boots:        by the menu of the guest's disks: hdc, xvda\n" in said
    assert "The disk was not looked at: the boot loader reads the first entry of disk=" in said


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("drbd:r0,xvda,w", "that the script block-drbd attaches"),
        ("/a,raw,xvda,w,backend=storage", "of the domain storage"),
        ("/a.vmdk,qed,xvda,w", "of format qed"),
    ],
)
def test_a_disk_that_is_no_file_here(entry: str, what: str, dom0: Dom0) -> None:
    """A path would not help, nor --map: neither is proposed."""
    guest(dom0, disks=f"'{entry}'")
    assert f"The disk was not looked at: a disk {what} cannot be read here" in dom0.run("plan").out
    refused = dom0.run("plan", "--extract").err
    assert f"a disk {what} cannot be read here" in refused
    assert "put kernel and ramdisk into dom0" in refused
    assert "--map" not in refused


def test_files_of_the_guest_by_their_paths(dom0: Dom0) -> None:
    guest(dom0, "kernel = '/boot/k'\nbootloader_args = ['--ramdisk=/boot/r', '--args=a']\n")
    shown = dom0.run("plan").out
    assert "boots:        /boot/k and /boot/r of the guest's disks: xvdb, xvda\n" in shown
    assert "adds to line: a\n" in shown
    assert dom0.run("convert").code == 0
    image = extract(dom0.out / "web.iso", "kernel")
    assert asked(image) == [b"a", b"/boot/k", b"/boot/r", b"xvdb xvda"]


def test_guests_with_the_same_wishes_share_a_file_in_pvh_mode(dom0: Dom0) -> None:
    for name, extra in (("a", "one"), ("b", "one"), ("c", "other")):
        guest(dom0, f"extra = '{extra}'\n", name)
    result = dom0.run("convert", "--xen", "4.17", "--boot-loader", "pvgrub")
    assert result.code == 0, result.err
    images = [data for name, data in dom0.written().items() if name.startswith("pvgrub-")]
    assert sorted(asked(image)[0] for image in images) == [b"one", b"other"]
    configs = [dom0.out / f"{name}.cfg" for name in "abc"]
    assert dom0.run("verify", *configs).code == 0
    assert dom0.run("status").code == 0
    assert "3 unchanged" in dom0.run("convert", "--xen", "4.17", "--boot-loader", "pvgrub").err


def test_a_hash_that_is_remembered_is_the_images_own(dom0: Dom0, assets: Path) -> None:
    """The image itself, given as a kernel later, is not taken for what was made of it."""
    guest(dom0, "extra = 'one'\n")
    assert dom0.run("convert").code == 0
    image = next((assets / "pvgrub").glob("*x86_64*"))
    text = f"name = 'other'\nkernel = '{image}'\nmemory = 512\n"
    other = dom0.config("other.cfg", text)
    assert dom0.run("convert", other).code == 0
    assert extract(dom0.out / "other.iso", "kernel") == image.read_bytes()
    assert dom0.run("verify", dom0.out / "other.iso").code == 0


def test_words_that_no_guest_could_get(dom0: Dom0) -> None:
    guest(dom0, f"extra = '{'x' * 1024}'\n")
    result = dom0.run("plan")
    assert result.code == 1
    assert "web.cfg:5: the kernel command line is 1024 bytes long" in result.err


# --- The disk is looked at, where it is here ------------------------------------------------------

ELF = elf(sections={b".notes": (7, notes(PV_NOTES))})
ELF_32 = elf(bits=32, sections={b"__xen_guest": (1, LEGACY)})
DISK = "/dev/vg0/web-disk"


def disk(folder: Path, kernel: bytes, *options: str) -> list[str]:
    """Make the guest's disk; return the option that says where it is."""
    menu = disks.grub_cfg(("Debian", "/boot/vmlinuz", "root=/dev/xvda ro", "/boot/initrd.img"))
    files = {
        "/boot/grub/grub.cfg": menu,
        "/boot/vmlinuz": kernel,
        "/boot/initrd.img": EMPTY_CPIO,
        "/boot/filler": bytes(range(256)) * 400,
    }
    return ["--map", f"{DISK}={disks.ext(folder / 'disk.img', files, 'ext4', 64, *options)}"]


def planned(dom0: Dom0, *words: str) -> tuple[str, str]:
    """Return what boots, and the warnings."""
    guest(dom0, "extra = 'x=y'\n", disks=f"'phy:{DISK},xvda,w'")
    result = dom0.run("plan", *words)
    assert result.code == 0, result.err
    (found,) = json.loads(dom0.run("plan", "--json", *words).out)
    kernel = next(line for line in result.out.splitlines() if line.startswith("  kernel:"))
    return kernel.split()[1], "\n".join(lines(found["warnings"]))


@pytest.mark.parametrize("kind", [Compression.NONE, Compression.GZIP, Compression.XZ])
def test_a_kernel_that_pv_grub_unpacks(dom0: Dom0, tmp_path: Path, kind: Compression) -> None:
    kernel = bzimage(ELF if kind is Compression.NONE else packed(ELF, kind))
    boots, warned = planned(dom0, *disk(tmp_path, kernel))
    assert (boots, warned) == ("shimtool:grub-x86_64-xen.bin", "")


@pytest.mark.parametrize("kind", [Compression.LZ4, Compression.ZSTD])
def test_a_kernel_that_pv_grub_cannot_unpack(dom0: Dom0, tmp_path: Path, kind: Compression) -> None:
    kernel = bzimage(packed(ELF, kind))
    here = disk(tmp_path, kernel)
    boots, warned = planned(dom0, *here)
    assert boots == f"{DISK}:/boot/vmlinuz"
    assert f"(PV GRUB cannot unpack a kernel that is packed with {kind}): after a" in warned
    result = dom0.run("convert", *here)
    assert result.code == 0, result.err
    assert dom0.run("status").code == 0
    for words in (("--no-extract",), ("--boot-loader", "pvgrub")):
        boots, warned = planned(dom0, *here, *words)
        assert boots == "shimtool:grub-x86_64-xen.bin"
        assert "packed with lz4 or zstd" in warned


def test_pv_grub_has_the_width_of_the_kernel(dom0: Dom0, tmp_path: Path) -> None:
    boots, warned = planned(dom0, *disk(tmp_path, ELF_32))
    assert boots == "shimtool:grub-i386-xen.bin"
    assert "PV GRUB" not in warned


@pytest.mark.parametrize("feature", ["casefold", "ea_inode"])
def test_a_file_system_that_pv_grub_cannot_read(dom0: Dom0, tmp_path: Path, feature: str) -> None:
    boots, warned = planned(dom0, *disk(tmp_path, bzimage(ELF), "-O", feature))
    assert boots == f"{DISK}:/boot/vmlinuz"
    assert f"PV GRUB cannot read an ext4 with {feature}" in warned


def test_a_file_system_that_nobody_reads_here(dom0: Dom0, tmp_path: Path) -> None:
    boots, warned = planned(dom0, *disk(tmp_path, bzimage(ELF), "-O", "bigalloc"))
    assert boots == "shimtool:grub-x86_64-xen.bin"
    assert "casefold, ea_inode or bigalloc (say --extract). The disk was not looked at" in warned


def test_a_disk_that_is_not_here(dom0: Dom0) -> None:
    boots, warned = planned(dom0)
    assert boots == "shimtool:grub-x86_64-xen.bin"
    assert "say --pvgrub i386" in warned
    assert "inline_data, casefold, ea_inode or bigalloc (say --extract)" in warned
    assert f"The disk was not looked at: disk {DISK} is not here" in warned
