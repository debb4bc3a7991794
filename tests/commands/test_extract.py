"""pygrub guests whose kernel comes out of their disk, by the real command line."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import debs, disks
from tests.support.dom0 import EMPTY_CPIO, Dom0, make_dom0
from tests.support.kernel_builder import small_kernel
from tests.support.libxlu import reading
from tests.support.outputs import extract, line_in
from tests.support.told import lines

RAMDISK = gzip.compress(EMPTY_CPIO, mtime=0) * 2
LINE = "root=/dev/xvda2 ro  quiet"
FILES: disks.Files = {
    "/boot/grub/grub.cfg": disks.grub_cfg(
        ("Debian GNU/Linux", "/boot/vmlinuz-6.1", LINE, "/initrd.img"),
        ("Debian GNU/Linux, rescue", "/boot/vmlinuz-6.1", "single", "/initrd.img"),
    ),
    "/boot/vmlinuz-6.1": small_kernel(),
    "/boot/initrd.img-6.1": RAMDISK,
    "/initrd.img": "/boot/initrd.img-6.1",
}
DISK = "/dev/vg0/mail-disk"
ENTRY = "bootloader_args = '--entry=0'\n"  # which PV GRUB cannot honour


def second_partition(folder: Path, files: disks.Files) -> Path:
    return disks.partitioned(folder / "disk.img", [None, disks.ext(folder / "root.img", files)])


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return second_partition(tmp_path_factory.mktemp("disk"), FILES)


@pytest.fixture
def debian_image(tmp_path: Path) -> Path:
    """The same with Debian's kernel, where that is the point: it takes time to unpack."""
    return second_partition(tmp_path, {**FILES, "/boot/vmlinuz-6.1": debs.kernel().read_bytes()})


@pytest.fixture
def dom0(tmp_path: Path) -> Dom0:
    return make_dom0(tmp_path)


def mail(dom0: Dom0, more: str = "", name: str = "mail", disk: str = f"phy:{DISK},xvda,w") -> Path:
    return dom0.config(
        f"{name}.cfg",
        f"name = '{name}'\nbootloader = '/usr/lib/xen-4.4/bin/pygrub'\nmemory = 512\n"
        f"disk = [{disk!r}]\n{more}",
    )


def here(image: Path) -> list[str]:
    return ["--map", f"{DISK}={image}"]


def planned(dom0: Dom0, *words: str | Path) -> dict[str, Any]:
    (guest,) = json.loads(dom0.run("plan", "--json", *words).out)
    return dict(guest)


def test_iso_holds_what_the_disk_held(dom0: Dom0, debian_image: Path) -> None:
    mail(dom0, "extra = 'console=hvc0'\n")
    result = dom0.run("convert", "--extract", *here(debian_image))
    assert result.code == 0, result.err
    iso = dom0.out / "mail.iso"
    assert extract(iso, "kernel") == debs.kernel().read_bytes()
    assert extract(iso, "ramdisk")[4096:] == RAMDISK
    assert line_in(iso) == b"root=/dev/xvda2 ro  quiet console=hvc0"
    manifest = json.loads(extract(iso, "shimtool.json"))
    assert manifest["kernel"]["path"] == f"{DISK} (partition 2):/boot/vmlinuz-6.1"
    assert manifest["files"]["ramdisk"]["path"] == f"{DISK} (partition 2):/boot/initrd.img-6.1"
    # A guest could forge what later runs would believe of this kernel on other guests.
    assert json.loads((dom0.out / "shimtool.yaml").read_text())["kernels"] == {}
    assert "bootloader" not in uncommented(dom0)
    checked = dom0.run("verify", iso, dom0.out / "mail.cfg")
    assert checked.code == 0, checked.err


def test_pvh_names_files_by_their_content(dom0: Dom0, debian_image: Path) -> None:
    mail(dom0, "root = '/dev/xvda2 ro'\n")
    result = dom0.run("convert", "--xen", "4.17", "--extract", *here(debian_image))
    assert result.code == 0, result.err
    kernel = f"kernel-{hashlib.sha256(debs.kernel().read_bytes()).hexdigest()[:16]}"
    ramdisk = f"ramdisk-{hashlib.sha256(RAMDISK).hexdigest()[:16]}"
    assert dom0.written()[kernel] == debs.kernel().read_bytes()
    assert dom0.written()[ramdisk] == RAMDISK
    config = uncommented(dom0)
    assert f'kernel = "/var/lib/xen/shimtool/{kernel}"\n' in config
    assert f'ramdisk = "/var/lib/xen/shimtool/{ramdisk}"\n' in config
    assert 'cmdline = "root=/dev/xvda2 ro  quiet root=/dev/xvda2 ro"\n' in config
    assert "bootloader" not in config
    assert dom0.run("verify", dom0.out / "mail.cfg").code == 0
    (dom0.out / ramdisk).write_bytes(RAMDISK + b"!")
    damaged = dom0.run("verify", dom0.out / "mail.cfg")
    assert damaged.code == 1
    assert "the ramdisk is damaged" in damaged.err


def uncommented(dom0: Dom0) -> str:
    text = (dom0.out / "mail.cfg").read_text("utf-8")
    return "".join(f"{line}\n" for line in text.splitlines() if not line.startswith("#"))


def test_pv_grub_where_it_can_honour_the_config(dom0: Dom0, image: Path) -> None:
    mail(dom0, "bootloader_args = ['-q']\nroot = '/dev/xvda2 ro'\n")
    found = planned(dom0, *here(image))
    assert found["convertible"]
    assert found["warnings"] == []
    unseen = planned(dom0, "--no-extract", *here(image))
    assert any("PV GRUB, in place of pygrub" in text for text in lines(unseen["warnings"]))
    forced = planned(dom0, "--extract", *here(image))
    assert any("boots a copy of" in text for text in lines(forced["warnings"]))


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("bootloader_args = ['--entry=1']\n", "single"),
        ("bootloader_args = '--entry=1 --args=debug'\nextra = 'no'\n", "single debug"),
        ("kernel = '/boot/vmlinuz-6.1'\nextra = 'a  b'\n", "a  b"),
    ],
)
def test_what_pygrub_is_told(dom0: Dom0, image: Path, more: str, line: str) -> None:
    mail(dom0, more)
    result = dom0.run("plan", "--mode", "pvh", "--extract", *here(image))
    assert result.code == 0, result.err
    assert f"command line: {line}\n" in result.out
    assert ("'Debian GNU/Linux, rescue' of /boot/grub/grub.cfg" in result.out) == ("entry" in more)


def test_in_pvh_the_boot_loader_stays(dom0: Dom0) -> None:
    """Whatever it is told: nothing of the guest's disk is needed or read."""
    text = "root = '/dev/xvda1'\nextra = 'a  b'\nbootloader_args = ['--entry=1']\n"
    before = mail(dom0, text).read_text()
    same = ("--xen", "4.17", "--memory", "keep")
    result = dom0.run("convert", *same)
    assert result.code == 0, result.err
    assert {name.split("-")[0] for name in dom0.written()} == {"mail.cfg", "xen"}
    assert (dom0.out / "mail.cfg").read_text().startswith(before)
    assert dom0.run("verify", dom0.out / "mail.cfg").code == 0
    assert "1 unchanged" in dom0.run("convert", *same).err
    assert dom0.run("status").code == 0
    shown = dom0.run("plan", *same).out
    assert "boot loader:  /usr/lib/xen-4.4/bin/pygrub, which xl runs at each start" in shown


@pytest.mark.parametrize(
    "words", [("--boot-loader", "pvgrub"), ("--pvgrub", "x86_64"), ("--pvgrub", "i386")]
)
def test_pv_grub_in_pvh_is_a_choice(dom0: Dom0, words: tuple[str, ...]) -> None:
    mail(dom0)
    assert dom0.run("convert", "--xen", "4.17", *words).code == 0
    assert any(name.startswith("pvgrub-") for name in dom0.written())
    assert "bootloader" not in uncommented(dom0)
    assert dom0.run("status").code == 0, "the choice is in the report"
    mail(dom0, ENTRY)
    refused = dom0.run("plan", "--xen", "4.17", "--no-extract", *words)
    assert "cannot honour --entry" in refused.err


def test_kept_or_refused(dom0: Dom0, image: Path) -> None:
    mail(dom0, "root = '/dev/xvda1'\n")
    keep = ("--boot-loader", "keep")
    assert planned(dom0, *keep, "--xen", "4.17")["outputs"][-1] == "mail.cfg"
    refused = dom0.run("plan", *keep, "--xen", "4.9.2", *here(image))
    assert refused.code == 1
    assert "mail.cfg:2: xl would not run this boot loader" in refused.err
    assert "use --mode pvh" in refused.err
    dom0.guest()
    assert "web01: converted" in dom0.run("convert", *keep, dom0.configs / "web01.cfg").out


def test_extract_by_its_other_name(dom0: Dom0, image: Path) -> None:
    mail(dom0)
    words = ("--boot-loader", "extract", "--xen", "4.17", *here(image))
    assert dom0.run("convert", *words).code == 0
    assert any(name.startswith("kernel-") for name in dom0.written())
    assert dom0.run("status").code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("keep", "--extract"), ("pvgrub", "--extract"), ("extract", "--no-extract"),
        ("extract", "--pvgrub", "i386"), ("keep", "--pvgrub", "i386"),
    ],
)  # fmt: skip
def test_choices_that_contradict_each_other(dom0: Dom0, words: tuple[str, ...]) -> None:
    mail(dom0)
    result = dom0.run("plan", "--boot-loader", *words)
    assert result.code == 2
    assert "stands against" in " ".join(result.err.split())


def test_no_extract_refuses_what_pv_grub_cannot_honour(dom0: Dom0, image: Path) -> None:
    mail(dom0, f"root = '/dev/xvda1'\n{ENTRY}")
    result = dom0.run("plan", "--no-extract", *here(image))
    assert result.code == 1
    assert "mail.cfg:6: PV GRUB cannot honour --entry" in result.err
    assert "remove --entry here" in result.err


def test_a_disk_that_is_not_here(dom0: Dom0) -> None:
    """Both ways out are named: make the disk readable, or do without the option."""
    mail(dom0, ENTRY)
    result = dom0.run("convert")
    assert result.code == 1
    assert "cannot honour --entry" in result.err
    assert f"mail.cfg:4: disk {DISK} is not here" in result.err
    assert f"--device {DISK}" in result.err
    assert not dom0.written().keys() - {"shimtool-dm"}


def test_plan_writes_nothing(dom0: Dom0, image: Path) -> None:
    mail(dom0, ENTRY)
    assert dom0.run("plan", *here(image)).code == 0
    assert list(dom0.out.iterdir()) == []


def test_unchanged_until_the_guest_gets_another_kernel(dom0: Dom0, tmp_path: Path) -> None:
    disk = disks.ext(tmp_path / "mine.img", FILES)
    mail(dom0, ENTRY)
    assert "1 converted" in dom0.run("convert", *here(disk)).err
    assert "1 unchanged" in dom0.run("convert", *here(disk)).err
    disks.run("debugfs", "-w", "-R", "rm /boot/initrd.img-6.1", disk)
    (tmp_path / "new").write_bytes(EMPTY_CPIO)
    disks.run("debugfs", "-w", "-R", f"write {tmp_path / 'new'} /boot/initrd.img-6.1", disk)
    assert "1 converted" in dom0.run("convert", *here(disk)).err
    assert extract(dom0.out / "mail.iso", "ramdisk") == EMPTY_CPIO


def test_a_guest_may_lie_about_its_times(dom0: Dom0, tmp_path: Path) -> None:
    """Other content under the same inode, size and times is other content all the same."""
    disk = disks.ext(tmp_path / "mine.img", FILES)
    mail(dom0, "root = '/dev/xvda1'\n")
    assert "1 converted" in dom0.run("convert", "--xen", "4.17", "--extract", *here(disk)).err
    data = disk.read_bytes()
    with disk.open("r+b") as file:
        file.seek(data.index(RAMDISK))
        file.write(RAMDISK[::-1])
    assert "1 converted" in dom0.run("convert", "--xen", "4.17", "--extract", *here(disk)).err
    ramdisk = f"ramdisk-{hashlib.sha256(RAMDISK[::-1]).hexdigest()[:16]}"
    assert dom0.written()[ramdisk] == RAMDISK[::-1]


def test_a_disk_in_use_is_said(dom0: Dom0, tmp_path: Path) -> None:
    disk = disks.ext(tmp_path / "mine.img", FILES)
    mail(dom0)
    assert "may be in use" not in dom0.run("plan", "--extract", *here(disk)).out
    disks.run("debugfs", "-w", "-R", "feature needs_recovery", disk)
    assert f"{DISK} may be in use" in dom0.run("plan", "--extract", *here(disk)).out


def test_guests_of_one_kernel_share_its_file(dom0: Dom0, image: Path) -> None:
    for name in ("mail", "web"):
        mail(dom0, "root = '/dev/xvda1'\n", name)
    result = dom0.run("convert", "--xen", "4.17", "--extract", "--jobs", "2", *here(image))
    assert result.code == 0, result.err
    assert sum(name.startswith("kernel-") for name in dom0.written()) == 1


@pytest.mark.parametrize(
    ("disk", "word"),
    [
        (f"format=qed,vdev=xvda,target={DISK}", "format qed cannot be read"),
        ("phy:/dev/sr0,hdc:cdrom,r", "that is a CD-ROM"),
    ],
)
def test_disks_that_cannot_be_read(dom0: Dom0, image: Path, disk: str, word: str) -> None:
    mail(dom0, ENTRY, disk=disk)
    result = dom0.run("plan", *here(image))
    assert result.code == 1
    assert word in result.err


def test_old_names_of_disks(dom0: Dom0, image: Path) -> None:
    """Xen's block script takes phy:vg0/x for /dev/vg0/x."""
    mail(dom0, ENTRY, disk="phy:vg0/mail-disk,xvda,w")
    assert dom0.run("plan", *here(image)).code == 0


def test_a_command_line_that_no_pv_guest_could_get(dom0: Dom0, tmp_path: Path) -> None:
    menu = disks.grub_cfg(("x", "/boot/vmlinuz-6.1", "a" * 1024, "/initrd.img"))
    disk = disks.ext(tmp_path / "mine.img", {**FILES, "/boot/grub/grub.cfg": menu})
    mail(dom0)
    result = dom0.run("plan", "--extract", *here(disk))
    assert result.code == 1
    assert "is 1024 bytes long, and a PV guest gets 1023" in result.err


@pytest.mark.parametrize("what", [b"\xff\xfe'\";$(x) \\", b"a" * 900, b"a  --- \tb"])
def test_odd_bytes_of_a_menu_arrive(dom0: Dom0, tmp_path: Path, what: bytes) -> None:
    menu = disks.grub_cfg(("x", "/boot/vmlinuz-6.1", "WHAT", "/initrd.img")).replace(b"WHAT", what)
    disk = disks.ext(tmp_path / "mine.img", {**FILES, "/boot/grub/grub.cfg": menu})
    mail(dom0)
    result = dom0.run("convert", "--extract", *here(disk))
    assert result.code == 0, result.err
    assert line_in(dom0.out / "mail.iso") == what
    assert dom0.run("convert", "--extract", "--mode", "pvh", *here(disk)).code == 0
    with reading((dom0.out / "mail.cfg").read_bytes()) as seen:
        assert seen.value("cmdline") == what


def test_without_the_libraries_it_says_what_to_install(
    dom0: Dom0, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty/dissect").mkdir(parents=True)
    (tmp_path / "empty/dissect/__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "empty"))
    mail(dom0, ENTRY)
    result = dom0.run("plan", *here(image), through=("env",))
    assert result.code == 1
    assert "pip install 'shimtool[disks]'" in result.err
    assert "cannot honour --entry" in result.err
