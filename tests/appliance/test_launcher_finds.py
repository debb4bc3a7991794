"""What is found through the launcher: configs, kernels and disks wherever they lie."""

import gzip
import os
import shutil
from pathlib import Path

import pytest

from tests.appliance.conftest import Dist, Launch
from tests.configs.libvirt.support import DATA
from tests.support import debs, disks
from tests.support.dom0 import EMPTY_CPIO, Dom0
from tests.support.screen import on_screen

pytestmark = pytest.mark.appliance

RAMDISK = gzip.compress(EMPTY_CPIO, mtime=0)


@pytest.fixture
def estate(dom0: Dom0) -> Dom0:
    """Guests as dom0s have them, each with a kernel of its own, none of these in /boot."""
    for path in dom0.configs.iterdir():
        path.unlink()
    for folder in ("etc-xen/auto", "srv/guests", "alternatives"):
        (dom0.root / folder).mkdir(parents=True)
    _guest(dom0, "plain", dom0.configs / "plain")
    _guest(dom0, "linked", dom0.root / "srv/guests/linked.cfg")
    _guest(dom0, "hop", dom0.root / "srv/guests/hop")
    (dom0.configs / "auto/10-linked").symlink_to("../../srv/guests/linked.cfg")
    # A kernel behind a link to a folder, in a folder that is mounted.
    _guest(dom0, "inside", dom0.configs / "inside.cfg", dom0.configs / "kernels")
    (dom0.configs / "kernels").symlink_to(dom0.root / "kernels-inside")
    # Links through a third folder.
    (dom0.root / "alternatives/hop").symlink_to(dom0.root / "srv/guests/hop")
    (dom0.configs / "hop.cfg").symlink_to("../alternatives/hop")
    # Nothing that is no config holds a run up.
    os.mkfifo(dom0.configs / "fifo")
    with (dom0.configs / "disk.img").open("wb") as image:
        image.truncate(1 << 40)
    return dom0


def _guest(dom0: Dom0, name: str, config: Path, said: Path | None = None) -> None:
    kernels = dom0.root / f"kernels-{name}"
    kernels.mkdir()
    shutil.copy(debs.kernel(), kernels / "vmlinuz")
    config.write_text(f'name = "{name}"\nmemory = 512\nkernel = "{said or kernels}/vmlinuz"\n')


def made(dom0: Dom0) -> set[str]:
    return {path.stem for path in (dom0.root / "made").glob("*.iso")}


def test_a_folder_with_all_that_is_in_it(launch: Launch, estate: Dom0) -> None:
    done = launch("convert", "--in", estate.configs, "--out", estate.root / "made")
    assert done.code == 0, done.err
    assert made(estate) == {"plain", "linked", "hop", "inside"}
    done = launch("status", "--out", estate.root / "made")
    assert done.code == 0, done.out + done.err


@pytest.mark.parametrize(
    ("named", "guests"),
    [
        (("plain",), {"plain"}),
        (("hop.cfg", "auto/10-linked"), {"hop", "linked"}),
        (("auto",), {"linked"}),
        (("../srv/guests",), {"linked", "hop"}),
        (("../srv/guests/*.cfg", "p?ain"), {"linked", "plain"}),
        (("{root}/srv/[g]uests/h*",), {"hop"}),
    ],
)
def test_named_files_folders_and_patterns(
    launch: Launch, estate: Dom0, named: tuple[str, ...], guests: set[str]
) -> None:
    words = [word.format(root=estate.root) for word in named]
    done = launch("convert", "--in", estate.root, "--out", estate.root / "made", *words)
    assert done.code == 0, done.err
    assert made(estate) == guests


def test_in_place_through_a_link(launch: Launch, estate: Dom0) -> None:
    config = estate.root / "srv/guests/linked.cfg"
    before, out = config.read_bytes(), ["--out", estate.root / "made"]
    done = launch("convert", "--in-place", "auto/10-linked", *out)
    assert done.code == 0, done.err
    assert config.read_bytes() != before
    assert (estate.configs / "auto/10-linked").is_symlink()
    back = launch("restore", "auto/10-linked", *out)
    assert back.code == 0, back.err
    assert config.read_bytes() == before


# --- guests' disks ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pygrub guest's whole disk."""
    folder = tmp_path_factory.mktemp("disk")
    files: disks.Files = {
        "/boot/grub/grub.cfg": disks.grub_cfg(("Linux", "/boot/k", "root=/dev/xvda1", "/boot/r")),
        "/boot/k": debs.kernel().read_bytes(),
        "/boot/r": RAMDISK,
    }
    return disks.partitioned(folder / "disk.img", [disks.ext(folder / "root.img", files)])


@pytest.mark.parametrize("kind", ["file", "device"])
def test_a_disk_is_read_where_it_must_be(
    launch: Launch, environ: dict[str, str], dom0: Dom0, disk: Path, kind: str
) -> None:
    """PV GRUB does not know --entry: the guest's disk can be read without asking for it."""
    images = dom0.root / "images"
    images.mkdir()
    shutil.copy(disk, images / "mail.img")
    with disks.block_device(disk) as device:
        target = device if kind == "device" else images / "mail.img"
        spec = f"phy:{device},xvda,w" if kind == "device" else f"file:{target},xvda,w"
        dom0.config(
            "mail",
            "name='mail'\nmemory=512\nbootloader='pygrub'\n"
            f"bootloader_args=['--entry=0']\ndisk=['{spec}']\n",
        )
        out = ["--out", dom0.root / "made"]
        refused = launch("convert", "--no-extract", "mail", *out)
        assert refused.code == 1
        assert "--entry" in refused.err
        environ["SHIMTOOL_DISKS"] = "0"
        again = launch("convert", "mail", *out).err
        assert refused.err.endswith(again)  # the first run on a dom0 says that it unpacks
        assert "--entry" in again
        del environ["SHIMTOOL_DISKS"]
        done = launch("convert", "mail", *out)
        assert done.code == 0, done.err
        standing = launch("status", *out)
        assert standing.code == 0, standing.out + standing.err
        checked = launch("verify", dom0.root / "made/mail.cfg", *out)
        assert checked.code == 0, checked.err


def test_libvirt(launch: Launch, dom0: Dom0) -> None:
    """Its own file of a guest, and all of its folder, with kernels where the XML says."""
    folder = dom0.root / "libxl"
    folder.mkdir()
    text = (DATA / "virt-install-direct-kernel.xml").read_text()
    kernels = dom0.root / "kernels of libvirt"
    kernels.mkdir()
    shutil.copy(debs.kernel(), kernels / "vmlinuz")
    (kernels / "initrd").write_bytes(RAMDISK)
    for tag, name in (("kernel", "vmlinuz"), ("initrd", "initrd")):
        before, rest = text.split(f"<{tag}>")
        text = f"{before}<{tag}>{kernels}/{name}</{tag}>{rest.partition(f'</{tag}>')[2]}"
    (folder / "web01.xml").write_text(text)
    out = dom0.root / "made"
    for words in ((folder / "web01.xml",), ("--in", folder)):
        done = launch("convert", "--force", "--out", out, *words)
        assert done.code == 0, done.err
        assert f"virsh define {out}/web01.xml" in done.err
    assert launch("verify", "--out", out, out / "web01.xml").code == 0
    assert launch("status", "--out", out).code == 0


def test_boot_test_says_what_it_needs(launch: Launch, dom0: Dom0) -> None:
    boot = f"/boot={dom0.boot}"
    assert launch("convert", "web01.cfg", "--out", dom0.root / "made", "--map", boot).code == 0
    done = launch("boot-test", dom0.root / "made/web01.iso")
    assert done.code == 1
    assert "qemu-system-x86_64" in done.err
    assert "Traceback" not in done.err


# --- at a terminal ------------------------------------------------------------------------------


def test_a_terminal_shows_the_table_and_the_bar(
    environ: dict[str, str], dist: Dist, dom0: Dom0
) -> None:
    told: list[str | Path] = ["--in", dom0.configs, "--map", f"/boot={dom0.boot}"]
    program = (dist.launcher,)
    environ["TERM"] = "xterm-256color"
    table = on_screen("scan", *told, program=program, environ=environ)
    assert table.code == 0, table.text
    assert b"\x1b[32myes" in table.raw  # green
    plain = on_screen("scan", *told, program=program, environ={**environ, "NO_COLOR": "1"})
    assert b"\x1b[32m" not in plain.raw
    assert plain.text.split() == table.text.split()
    dumb = on_screen("scan", *told, program=program, environ={**environ, "TERM": "dumb"})
    assert b"\x1b" not in dumb.raw
    words = ["convert", *told, "--out", dom0.root / "made", "--xen", "4.9.2"]
    done = on_screen(*words, program=program, environ=environ)
    assert done.code == 1
    assert [frame for frame in done.frames if "━" in frame]
    assert "2 refused" in done.text
    file = dom0.root / "listing"
    mixed = on_screen("scan", *told, program=program, environ=environ, stdout=file)
    assert mixed.code == 0
    assert "\x1b" not in mixed.piped
    assert "web01" in mixed.piped


def test_ctrl_c_at_a_terminal(environ: dict[str, str], dist: Dist, dom0: Dom0) -> None:
    os.truncate(next(dom0.boot.glob("initrd.img-*")), 3 << 30)  # a hole: some seconds to read
    environ["TERM"] = "xterm-256color"
    seen = on_screen(
        *("convert", "web01.cfg", "--in", dom0.configs, "--map", f"/boot={dom0.boot}"),
        *("--out", dom0.root / "made"),
        program=("env", "-C", dom0.configs, dist.launcher),
        environ=environ,
        interrupt_at=lambda frame: "web01" in frame,
    )
    assert seen.code == 130, seen.text
    assert not list((dom0.root / "made").glob("*.iso"))
    assert "Traceback" not in seen.text
