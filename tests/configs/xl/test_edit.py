"""Edits: golden files of every fixture, and what must not happen."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool.configs.xl.edit import MARKER, edit, is_ours, quoted
from shimtool.configs.xl.syntax import parse
from shimtool.errors import ShimtoolError
from shimtool.model import ConfigEdits
from tests.configs.xl.support import DATA, FIXTURES, HERE, document, edited, refusal

GOOD = [path for path in FIXTURES if document(path.read_bytes())]
BAD = [path for path in FIXTURES if path not in GOOD]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_edited(path: Path, golden: Callable[[Path, bytes], None]) -> None:
    golden(DATA / "edited" / path.name, edited(path.read_bytes()))


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_refused(path: Path, golden: Callable[[Path, bytes], None]) -> None:
    text = "".join(
        f"{fault.where}: {fault.message}{f' ({fault.remedy})' if fault.remedy else ''}\n"
        for fault in refusal(path.read_bytes())
    )
    golden(DATA / "refused" / f"{path.stem}.txt", text.encode())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_every_old_line_is_still_there_in_order(path: Path) -> None:
    data = path.read_bytes()
    new = iter([line.removeprefix(MARKER) for line in edited(data).splitlines()])
    for line in data.splitlines():
        if path.stem.startswith("stray-last"):  # the stray byte gets a comment sign
            assert any(each.startswith(line[:-1]) for each in new), line
        else:
            assert line in new, line  # goes on from the line found before


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_no_edits_change_nothing_before_the_block(path: Path) -> None:
    data = path.read_bytes()
    result = edit(parse(data, HERE), ConfigEdits((), ()), [])
    kept, block, rest = result.partition(b"\n" * bool(data) + MARKER + b"----")
    assert block
    assert rest.count(b"\n") == 1
    if path.stem.startswith("stray-last"):
        assert kept == data[:-1] + MARKER + data[-1:] + b"\n"
    else:
        assert kept == data + b"\n" * bool(data and not data.endswith(b"\n"))


def test_ours_is_recognised() -> None:
    data = (DATA / "xen-tools-pv.cfg").read_bytes()
    assert not is_ours(parse(data, HERE))
    assert is_ours(parse(edited(data), HERE))
    assert is_ours(parse(edited(b""), HERE))
    assert not is_ours(parse(b"a = '#shimtool# ---- added by shimtool ----'\n", HERE))


def test_heading_cannot_assign() -> None:
    result = edit(
        parse(b"", HERE), ConfigEdits((), ()), ["a\nname='x'\r\rmemory=1", "\0\udcff\u2028"]
    )
    assert parse(result, HERE).assignments == ()
    assert result.isascii()


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("", '""'),
        ("it's", '"it\'s"'),
        ('say "x"', "'say \"x\"'"),
        ("'\"", '"\'\\""'),
        ("C:\\dir", '"C:\\\\dir"'),
        ("a\nb\r", '"a\\nb\\r"'),
    ],
)
def test_quoted(text: str, literal: str) -> None:
    assert quoted(text) == literal


@pytest.mark.parametrize(
    "setting",
    [("Name", "x"), ("a b", 1), ("", 1), ("a", "x\0y"), ("a", ("ok", "\0")), ("a", "\ud800")],
)
def test_what_xl_cannot_read_is_refused(setting: tuple[str, str]) -> None:
    with pytest.raises(ShimtoolError):
        edit(parse(b"", HERE), ConfigEdits((), (setting,)), [])
