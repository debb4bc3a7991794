"""What plan says that the files will take, and what they take less where blocks can be shared."""

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from shimtool.model import Compression
from shimtool.output.iso_content import IsoFile
from shimtool.output.iso_writer import write_iso
from shimtool.output.shared_blocks import SharedBlocks
from tests.output.support import source
from tests.support import kernel_builder as build
from tests.support.dom0 import EMPTY_CPIO, RAMDISK, Dom0, make_dom0
from tests.support.mounts import mounted
from tests.support.programs import run

SAID = re.compile(
    r"the (?:guest's|2 guests') files take ([\d,.]+) MB in (\S+); ([\d,.]+) (MB|GB) are free"
)
PVH = ("--xen", "4.17.7")


def said(dom0: Dom0, *words: str) -> tuple[float, float]:
    """Return what the files take, in MB, and what is free, in bytes."""
    told = SAID.search(dom0.run("plan", *words).err)
    assert told
    assert told[2] == str(dom0.out)
    return float(told[1]), float(told[3].replace(",", "")) * {"MB": 1e6, "GB": 1e9}[told[4]]


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


@pytest.mark.parametrize("offset", [1 << 33, 1 << 63])
def test_a_kernel_that_says_anything_of_its_size(dom0: Dom0, offset: int) -> None:
    """It is that guest's matter: the others are planned, and the sum is one of sane sizes."""
    elf = bytearray(build.elf(segment=build.notes(build.PV_NOTES), body=bytes(5000)))
    elf[40:48] = offset.to_bytes(8, "little")  # e_shoff, where the sections' table is
    (dom0.boot / "vmlinux").write_bytes(build.packed(bytes(elf), Compression.GZIP))
    dom0.config("a.cfg", "name = 'a'\nkernel = '/boot/vmlinux'\n")
    dom0.guest("b")
    result = dom0.run("plan")
    assert "b.iso" in result.out
    assert result.code in (0, 1), result
    assert "Traceback" not in result.said
    assert said(dom0)[0] < 600


def test_what_is_free_where_the_folder_will_be(dom0: Dom0) -> None:
    dom0.guest()
    dom0.out.rmdir()
    _needed, free = said(dom0)
    assert free == pytest.approx(shutil.disk_usage(dom0.root).free, rel=0.5)
    assert not dom0.out.exists()


def test_nothing_is_said_where_no_guest_can_be_converted(dom0: Dom0, tmp_path: Path) -> None:
    dom0.config("gone.cfg", f"name = 'gone'\nkernel = '{tmp_path}/gone'\n")
    assert "are free" not in dom0.run("plan").said


# btrfs is mounted by other tests, too; not every kernel that may run these has XFS built in.
KNOWN = [name for name in ("xfs",) if f"\t{name}\n" in Path("/proc/filesystems").read_text()]


@pytest.fixture(params=[*KNOWN, "btrfs"])
def sharing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Dom0]:
    """A dom0 on a file system that can share blocks between files."""
    image, point = tmp_path / "image", tmp_path / "mounted"
    with image.open("wb") as file:
        file.truncate(400 << 20)
    run([f"mkfs.{request.param}", "-q", image])
    point.mkdir()
    with mounted(point, "-o", "loop", image):
        yield make_dom0(point)


def free_on(folder: Path) -> int:
    """Return how many bytes are free, once all that is to be written is."""
    run(["sync", "--file-system", folder])
    found = os.statvfs(folder)
    return found.f_bfree * found.f_frsize


@pytest.mark.parametrize("head", [EMPTY_CPIO, b"\x1f\x8b"], ids=["cpio", "gzip"])
def test_isos_share_blocks(sharing: Dom0, head: bytes) -> None:
    """With the ramdisk, which lies on the same file system, and with each other."""
    (sharing.boot / Path(RAMDISK).name).write_bytes(head + os.urandom(16_000_001))
    kernel_and_ramdisk(sharing)
    before = free_on(sharing.out)
    assert taken(sharing, "--jobs", "1") > 32
    assert before - free_on(sharing.out) < 8_000_000  # one shim
    assert sharing.run("verify", *sharing.out.glob("*.cfg")).code == 0


def written(iso: Path, files: Sequence[IsoFile], blocks: SharedBlocks) -> Mapping[str, int]:
    """Write an ISO as convert does; return where its files lie."""
    with iso.open("w+b") as out:
        places = write_iso(files, out, blocks).places
        blocks.written(iso, out, files, places)
    return places


def test_a_file_that_lies_at_no_block_ends_no_sharing(sharing: Dom0) -> None:
    """Without a pre-stage 512 bytes stand before a gzipped ramdisk."""
    ramdisk, kernel = (source(sharing.root / name, 100_000) for name in ("ramdisk", "kernel"))
    files = [
        IsoFile("isolinux.bin", bytes(2048)),
        IsoFile("ramdisk", bytes(512), ramdisk),
        IsoFile("kernel", b"", kernel),
    ]
    blocks = SharedBlocks()
    for name in ("first", "second"):
        places = written(sharing.out / name, files, blocks)
    with (sharing.out / "third").open("w+b") as out:
        assert blocks.clone(ramdisk, out, places["ramdisk"] + 512) == 0
        assert blocks.clone(kernel, out, places["kernel"]) == 98_304


@pytest.mark.parametrize("change", ["another byte", "another file"])
def test_an_iso_that_was_changed_shares_nothing(sharing: Dom0, change: str) -> None:
    kernel, iso = source(sharing.root / "kernel", 100_001), sharing.out / "first.iso"
    files = [IsoFile("isolinux.bin", bytes(2048)), IsoFile("kernel", b"", kernel)]
    blocks = SharedBlocks()
    places = written(iso, files, blocks)
    with (sharing.out / "second.iso").open("w+b") as out:
        assert blocks.clone(kernel, out, places["kernel"]) == 98_304
        assert os.pread(out.fileno(), 98_304, places["kernel"]) == kernel.path.read_bytes()[:98_304]
        if change == "another file":
            Path(shutil.copy(iso, sharing.out / "copy")).replace(iso)
        else:
            status = iso.stat()
            with iso.open("r+b") as file:
                file.write(b"x")
            # A clock may not have ticked since.
            os.utime(iso, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
        assert blocks.clone(kernel, out, places["kernel"]) == 0
