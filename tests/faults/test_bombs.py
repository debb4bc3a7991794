"""Small files that unpack to 10 GB, texts that nest without end: 30 s and 256 MB at most."""

import io
import struct
import tarfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import islice
from pathlib import Path

import pytest

from shimtool.model import Compression
from shimtool.payload.kernel.compression import open_stream
from tests.faults.scenarios import Trial
from tests.support import kernel_builder as build
from tests.support import package_builder
from tests.support.cli import Result, shimtool_cli
from tests.support.compression_bombs import BOMBS, MIB, SIZE
from tests.support.dom0 import Dom0

# One of pytest's workers takes them all: else each would make every bomb.
pytestmark = pytest.mark.xdist_group("bombs")

CPU_SECONDS, MEMORY = 30, 200  # MiB beyond the 40 of a process that does nothing


def bounded(*words: str | Path) -> Result:
    """Run the command line; it must keep to the bounds."""
    ended = shimtool_cli(*words)
    assert ended.cpu < CPU_SECONDS
    assert ended.memory < MEMORY
    assert "Traceback" not in ended.err, ended.err
    return ended


def refused(result: Result, *words: str) -> None:
    assert result.code == 1, result
    assert "error: " in result.err
    for word in words:
        assert word in result.err, result.err


@pytest.fixture
def dom0(guests: Trial) -> Dom0:
    guests.rewind()
    for guest in ("two", "three"):
        (guests.dom0.configs / f"{guest}.cfg").unlink()
    return guests.dom0


def convert(dom0: Dom0, *words: str | Path) -> Result:
    return bounded(
        *("convert", "--in", dom0.configs, "--out", dom0.out, "--map", f"/boot={dom0.boot}"),
        *words,
    )


@cache
def bomb_of(kind: Compression, head: bytes) -> bytes:
    return BOMBS[kind](head)


@pytest.fixture(autouse=True, scope="module")
def forgotten() -> Iterator[None]:
    """Keep none of them: each child that is forked later would have to be given it."""
    yield
    bomb_of.cache_clear()


def far_notes() -> bytes:
    """The start of an ELF image whose notes are said to be 10 GB on."""
    head = bytearray(build.elf(segment=build.notes(build.PV_NOTES)))
    struct.pack_into("<Q", head, 64 + 8, SIZE - MIB)
    return bytes(head)


@pytest.mark.parametrize("kind", BOMBS)
def test_they_are_what_they_say(kind: Compression, tmp_path: Path) -> None:
    """300 MB on there are still zeros, so it was built well."""
    path = build.write(tmp_path, bomb_of(kind, far_notes()))
    total = 0
    with path.open("rb") as source:
        for chunk in islice(open_stream(source, 0, path.stat().st_size, kind), 1, None):
            assert not chunk.strip(b"\0") or not total
            total += len(chunk)
            if total > 300 * MIB:
                break
    assert total > 300 * MIB
    assert path.stat().st_size < 50 * MIB


@pytest.mark.parametrize(
    ("kind", "wrapped"), [*((kind, True) for kind in BOMBS), (Compression.GZIP, False)]
)
def test_as_a_kernel(dom0: Dom0, kind: Compression, wrapped: bool) -> None:
    bomb = bomb_of(kind, far_notes())
    (dom0.boot / "vmlinuz").write_bytes(build.bzimage(bomb) if wrapped else bomb)
    refused(convert(dom0), "unpacks to more than 512 MiB")
    assert set(dom0.written()) <= {"shimtool-dm"}


@pytest.mark.parametrize("kind", BOMBS)
def test_as_a_ramdisk(dom0: Dom0, kind: Compression) -> None:
    """Nothing here unpacks it but to look at its start: no archive, as far as can be seen."""
    (dom0.boot / "initrd").write_bytes(bomb_of(kind, far_notes()))
    assert convert(dom0).cpu < 10  # usually below 1; some unpack 10 GB in less than CPU_SECONDS


def test_a_gzipped_kernel_that_grows_when_it_is_unpacked(dom0: Dom0) -> None:
    """Good notes at its start, and then 10 GB: met only when it is written."""
    (dom0.boot / "vmlinuz").write_bytes(
        BOMBS[Compression.GZIP](build.elf(segment=build.notes(build.PV_NOTES)))
    )
    refused(convert(dom0), "unpacks to more than 512 MiB")
    assert set(dom0.written()) <= {"shimtool-dm"}


def deb(data: bytes, suffix: str) -> bytes:
    """A Debian package with such a data.tar."""
    control = io.BytesIO()
    with tarfile.open(fileobj=control, mode="w:gz") as archive:
        text = b"Package: xen-utils\nVersion: 4.10.4-1\nArchitecture: amd64\n"
        info = tarfile.TarInfo("./control")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    members = (
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", control.getvalue()),
        (f"data.tar{suffix}", data),
    )
    made = b"!<arch>\n"
    for name, content in members:
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        made += content + b"\n" * (len(content) % 2)
    return made


def tar_head(name: str) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = SIZE
    return info.tobuf(tarfile.GNU_FORMAT)


SHIMS: dict[str, Callable[[], bytes]] = {
    "gzip": lambda: BOMBS[Compression.GZIP](build.elf(bits=32)),
    "deb-xz": lambda: deb(BOMBS[Compression.XZ](tar_head("./usr/junk")), ".xz"),
    "deb-gz": lambda: deb(BOMBS[Compression.GZIP](tar_head("./usr/junk")), ".gz"),
    "deb-zst": lambda: deb(BOMBS[Compression.ZSTD](tar_head("./usr/junk")), ".zst"),
    "deb-bz2": lambda: deb(BOMBS[Compression.BZIP2](tar_head("./usr/junk")), ".bz2"),
    "deb-shim": lambda: deb(
        BOMBS[Compression.XZ](tar_head("./usr/lib/xen-4.10/boot/xen-shim")), ".xz"
    ),
    "apk": lambda: BOMBS[Compression.GZIP](tar_head("usr/lib/xen/boot/xen-shim")),
}


@pytest.mark.parametrize("kind", SHIMS)
def test_as_a_shim(dom0: Dom0, kind: str) -> None:
    path = dom0.root / "shim"
    path.write_bytes(SHIMS[kind]())
    refused(convert(dom0, "--shim", path))
    if kind in ("gzip", "apk"):
        refused(bounded("shims", "add", path))


def filled(head: bytes, piece: bytes, size: int = MIB - 200) -> bytes:
    return head + piece * ((size - len(head)) // len(piece))


# Made when they are needed: whatever this process holds, each forked child has to be given.
LARGE_TEXTS = {
    "100-mb.cfg": partial(filled, b"name = 'x'\n", b"a = 1\n", 100 * MIB),
    "100-mb.xml": partial(filled, b"<domain type='xen'><name>x</name>", b"<a/>", 100 * MIB),
}
TEXTS = {
    "lists.cfg": filled(b"name = 'x'\ndisk = ", b"["),
    "lists-in-lists.cfg": filled(b"name = 'x'\ndisk = [", b"[],"),
    "python-lists.cfg": filled(b"import os\nname = 'x'\ndisk = ", b"["),
    "python-growth.cfg": filled(b"import os\na = 'x' * 1000\n", b"a = a + a\n"),
    "python-lists-growth.cfg": b"import os\na = ['y']\n" + b"a += a\n" * 26 + b"disk = a\n",
    "python-power.cfg": b"import os\nname = 'x' * 10 ** 12\nmemory = 9 ** 9 ** 9\n",
    "elements.xml": filled(b"<domain type='xen'>", b"<a>"),
    "laughs.xml": filled(b"<!DOCTYPE d [<!ENTITY a '" + b"ha" * 50_000 + b"'>]><domain>", b"&a;"),
    "a-string.cfg": filled(b"name = '", b"x"),
    "escapes.cfg": filled(b"name = '", b"\\101"),
    "settings.cfg": filled(b"name='x'\n", b"extra+='x'\n"),
    "disks.cfg": filled(b"name='x'\nkernel='/boot/vmlinuz'\ndisk=[", b"'phy:/dev/a,xvda,w',"),
    "nul.cfg": filled(b"name='x'\n", b"\0"),
    "utf-16.xml": "<domain type='xen'/>".encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("file", [*LARGE_TEXTS, *TEXTS])
def test_as_a_config(dom0: Dom0, file: str) -> None:
    (dom0.configs / "one.cfg").unlink()
    (dom0.configs / file).write_bytes(TEXTS[file] if file in TEXTS else LARGE_TEXTS[file]())
    refused(convert(dom0))
    assert set(dom0.written()) <= {"shimtool-dm"}


def test_as_a_config_whose_lines_all_change(dom0: Dom0) -> None:
    """difflib takes minutes for what changes on every other of 20,000 lines."""
    lines = "".join(f"vfb = ['{number}']\nx{number} = 1\n" for number in range(10_000))
    with (dom0.configs / "one.cfg").open("a") as config:
        config.write(lines)
    result = bounded(*dom0.words("plan"))
    assert result.code == 0, result
    assert result.out.count("vfb = ['") == 20_000


@pytest.mark.parametrize("word", ["x", "-q"])
def test_as_arguments_of_pygrub(dom0: Dom0, word: str) -> None:
    dom0.config(
        "one.cfg", f"name = 'x'\nbootloader = 'pygrub'\nbootloader_args = {[word] * 40_000}\n"
    )
    refused(convert(dom0), "40000 words are more than 1000")


def test_as_a_guests_settings(dom0: Dom0) -> None:
    """Two hundred guests of two hundred disks each, at once."""
    for number in range(200):
        dom0.config(
            f"{number}.cfg",
            f"name='g{number}'\nkernel='/boot/gone'\ndisk=[" + "'phy:/a,xvda,w'," * 200 + "]\n",
        )
    refused(convert(dom0))


def test_packages_of_an_rpm_bomb_are_told(dom0: Dom0, tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    with payload.open("wb") as file:
        file.truncate(600 * MIB)
    path = package_builder.rpm(tmp_path, payload, "w1.zstdio")
    refused(convert(dom0, "--shim", path))
