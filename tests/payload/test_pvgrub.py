"""What is put into a PV GRUB image, and what its module makes of it: the line that pygrub makes."""

import ctypes
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shimtool.dom0.paths import Found
from shimtool.errors import ShimtoolError
from shimtool.model import Kernel, PvGrubRequest
from shimtool.payload.inputs import InputCache
from shimtool.payload.pvgrub import asking
from shimtool.payload.reopen import open_source
from tests.payload.guest_disk import pygrub
from tests.payload.guest_disk.support import WHOLE
from tests.support import disks
from tests.support.debs import ROOT
from tests.support.programs import run

MODULE = ROOT / "container" / "pvgrub" / "guest"
IMAGES = [ROOT / "build/assets/pvgrub" / f"grub-{arch}-xen.bin" for arch in ("x86_64", "i386")]
MARK = b"shimtool-pvgrub\0"
LINE_SIZE = 1024

Append = Callable[[bytes, bytes], bytes]


@pytest.fixture(scope="module")
def append(tmp_path_factory: pytest.TempPathFactory) -> Append:
    """The module's own function, compiled for this machine."""
    library = tmp_path_factory.mktemp("module") / "append.so"
    flags = ("-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC")
    run(["gcc", *flags, "-o", library, MODULE / "append.c"])
    function = ctypes.CDLL(str(library)).append_words

    def call(line: bytes, words: bytes) -> bytes:
        buffer = ctypes.create_string_buffer(line, LINE_SIZE + 16)
        ctypes.memset(ctypes.byref(buffer, LINE_SIZE), 0xAA, 16)
        function(buffer, words)
        assert buffer.raw[LINE_SIZE:] == b"\xaa" * 16
        return buffer.value

    return call


def image(path: Path) -> Kernel:
    return InputCache().kernel(Found(f"shimtool:{path.name}", path))


def content(kernel: Kernel) -> bytes:
    with open_source(kernel.file) as source:
        return source.read()


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_bytes_are_exchanged_in_the_block_alone(path: Path) -> None:
    plain = image(path)
    asked = asking(plain, PvGrubRequest("a 'b\udcff", "/k", "/r", ("xvdb", "xvda")))
    before, after = path.read_bytes(), content(asked)
    block = b"a 'b\xff\0/k\0/r\0xvdb xvda\0"
    at = before.index(MARK) + len(MARK)
    assert after == before[:at] + block + before[at + len(block) :]
    assert asked.file.sha256 != plain.file.sha256
    assert asked.file.size == len(after)
    assert asked.facts == plain.facts


def test_one_request_gives_the_same_bytes_for_every_guest() -> None:
    plain = image(IMAGES[0])
    first, second = (asking(plain, PvGrubRequest("a", disks=("xvda",))) for _ in range(2))
    assert first == second
    assert asking(plain, PvGrubRequest("b", disks=("xvda",))).file.sha256 != first.file.sha256


def test_an_image_without_an_empty_block_is_refused(tmp_path: Path) -> None:
    filled = tmp_path / "grub.bin"
    filled.write_bytes(content(asking(image(IMAGES[0]), PvGrubRequest("a"))))
    other = tmp_path / "other.bin"
    other.write_bytes(IMAGES[0].read_bytes().replace(MARK, b"x" * len(MARK)))
    for path in (filled, other):
        with pytest.raises(ShimtoolError, match="no empty block"):
            asking(image(path), PvGrubRequest())


# As they stand in configs of the wild, and with everything that a script would interpret.
WORDS = [
    "root=/dev/xvda2 ro",
    " xencons=tty ",
    "  two  blanks  ",
    " ",
    """$a ${b} "c d" 'e f' \\g \\x20 ;h&i|j<k>l{m}n `o` #p ~q*?[r]""",
    "a\tb --- c=%d",
]


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("line", ["root=/dev/xvda1 ro quiet", "a='b  c' \"d\""])
def test_the_line_is_the_one_that_pygrub_makes(
    tmp_path: Path, append: Append, words: str, line: str
) -> None:
    menu = disks.grub_cfg(("Debian", "/boot/vmlinuz-6.1", line, "/boot/initrd.img-6.1"))
    disk = disks.ext(tmp_path / "disk.img", {**WHOLE, "/boot/grub/grub.cfg": menu})
    taken = pygrub.take(disk, tmp_path / "menu", f"--args={words}")
    by_path = pygrub.take(disk, tmp_path / "path", "--kernel=/boot/vmlinuz-6.1", f"--args={words}")
    assert taken and by_path
    for entry, wanted in ((line, taken), ("", by_path)):
        made = append(entry.encode(), words.encode(errors="surrogateescape"))
        assert made == wanted.arguments.encode(errors="surrogateescape")


TEXT = st.binary(max_size=1100).map(lambda data: data.replace(b"\0", b""))


@given(TEXT.map(lambda data: data[: LINE_SIZE - 1]), TEXT)
def test_it_stays_within_the_line(append: Append, line: bytes, words: bytes) -> None:
    joined = line + (b" " if line and words else b"") + words
    if not line:
        joined = words.lstrip(b" \t\n\v\f\r")
    assert append(line, words) == joined[: LINE_SIZE - 1]
