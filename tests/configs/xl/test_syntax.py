"""Documents: files that are no configs, limits, and values that only libxlu would know."""

import faulthandler
import os
import signal
import time
from pathlib import Path

import pytest

from shimtool.configs.xl.grammar import Items
from shimtool.configs.xl.syntax import LIMIT, parse
from shimtool.errors import ShimtoolError
from shimtool.model import ConfigString
from tests.configs.xl.support import FIXTURES, HERE, opened, refusal
from tests.support import libxlu


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_spans_and_lines(path: Path) -> None:
    if refusal(path.read_bytes()):
        return
    document = opened(path)
    assert document.data == path.read_bytes()
    for each in document.assignments:
        text = document.data[each.start : each.end]
        assert text.startswith(each.key.encode())
        (again,) = parse(text, path).assignments
        assert (again.key, again.operator) == (each.key, each.operator)
        assert each.line == 1 + document.data.count(b"\n", 0, each.start)


def test_accessors() -> None:
    document = parse(b"a = 1\nb = [ 'x',\n 2 ]\nc = 'd'\n", HERE)
    assert document.value("b") == Items((ConfigString("x", 2), ConfigString("2", 3)), 2)
    assert document.strings("b") == (ConfigString("x", 2), ConfigString("2", 3))
    assert document.string("a") == ConfigString("1", 1)
    assert document.integer("a") == 1
    assert document.keys() == {"a": 1, "b": 2, "c": 4}
    assert (document.value("z"), document.string("z"), document.strings("z")) == (None,) * 3
    assert document.integer("z") is None
    for wrong in (
        lambda: document.string("b"),
        lambda: document.strings("a"),
        lambda: document.integer("c"),
    ):
        with pytest.raises(ShimtoolError):
            wrong()


def test_all_syntax_errors_at_once() -> None:
    faults = refusal(b"a=b\nc=1\nd=\ne='\nf=[1 2]\ng=1 h=2\n$\nI=1\nj+=1\n")
    assert [str(fault.where) for fault in faults] == [
        f"guest.cfg:{n}" for n in (1, 3, 4, 5, 6, 7, 8)
    ]


def test_errors_inside_a_list_do_not_repeat_on_its_other_lines() -> None:
    faults = refusal(b"disk = [ 'a' 'b',\n 'c',\n 'd',\n]\nmemory = M\n")
    assert [fault.where.line for fault in faults if fault.where] == [1, 5]


@pytest.mark.parametrize("path", ["/", "/dev/zero", "/dev/null", "/nowhere/a.cfg"])
def test_no_plain_file(path: str) -> None:
    with pytest.raises(ShimtoolError):
        opened(Path(path))


def test_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.cfg")
    with pytest.raises(ShimtoolError, match="plain file"):
        opened(tmp_path / "a.cfg")


def test_loop_of_links(tmp_path: Path) -> None:
    (tmp_path / "a.cfg").symlink_to("a.cfg")
    with pytest.raises(ShimtoolError, match="cannot read"):
        opened(tmp_path / "a.cfg")


def test_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a.cfg").write_bytes(b"name='n'\n")
    (tmp_path / "b.cfg").symlink_to("a.cfg")
    assert opened(tmp_path / "b.cfg").string("name") == ConfigString("n", 1)


def test_file_without_a_told_size() -> None:
    # procfs says 0 bytes; what is there is read all the same (and is no config).
    with pytest.raises(ShimtoolError, match="expects"):
        opened(Path("/proc/self/mountinfo"))


def test_too_big(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    path.write_bytes(b"#" * (LIMIT - 1) + b"\n")
    assert opened(path).assignments == ()
    os.truncate(path, 1 << 40)  # sparse: reading all of it would take for ever
    with pytest.raises(ShimtoolError, match=rf"{1 << 40} bytes, the limit is {LIMIT}"):
        opened(path)


@pytest.mark.parametrize(
    "junk",
    [bytes(range(256)) * 400, b"\x7fELF\x02\x01\x01" + bytes(1000) + b"\n" * 99, b"a='\0'\n"],
)
def test_binary_junk_is_one_error(junk: bytes) -> None:
    (fault,) = refusal(junk)
    assert "NUL" in fault.message


def test_libxlu_aborts_on_a_nul_byte_in_a_string() -> None:
    # What test_binary_junk_is_one_error refuses is no loss: xl itself dies of it.
    with libxlu.reading(b"a='b'"):
        pass
    child = os.fork()
    if not child:
        faulthandler.disable()  # the end is expected: no traceback,
        os.close(2)  # and no word from libc
        with libxlu.reading(b"a='\0'"):
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGABRT


@pytest.mark.parametrize(
    ("piece", "tail"),
    [
        (b"memory = '2048' # hello\nname='abc'\n", b""),
        (b";", b""),
        (b"a=[" + b"1," * 60_000 + b"]\n", b""),
        (b"a+=[1]\n", b""),
        (b"# ", b""),
        (b"' ", b""),
        (b"'\\ ", b""),
        (b"$\n", b""),
        (b"a\n", b""),
        (b"a=[", b""),
        (b"a=[[", b""),
        (b"\\n", b"'"),
    ],
)
def test_hostile_megabyte(piece: bytes, tail: bytes) -> None:
    data = (b"x='" if tail else b"") + piece * ((LIMIT - 9) // len(piece)) + tail
    begun = time.process_time()
    try:
        parse(data, HERE).value("a")
    except ShimtoolError as error:
        assert len(error.faults) <= 51
    # Seconds on a slow machine; what is quadratic takes many minutes.
    assert time.process_time() - begun < 20
