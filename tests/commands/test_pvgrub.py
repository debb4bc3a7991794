"""pygrub guests that PV GRUB boots in HVM mode, by the real command line."""

from pathlib import Path

import pytest

from tests.support.dom0 import Dom0, make_dom0
from tests.support.outputs import extract

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
