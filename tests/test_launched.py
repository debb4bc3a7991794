"""What the launcher on dom0 starts: dom0's own folders, and which of them are written to."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool import launched
from tests.support.dom0 import Dom0

USUAL = "/var/lib/xen/shimtool"
Written = Callable[..., list[str]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Written:
    """Ask which folders a command line writes to."""

    def ask(*words: str | Path) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["launched", "writes", *map(str, words)])
        launched.main()
        out, err = capfdbinary.readouterr()
        assert not err
        return [os.fsdecode(line) for line in out.splitlines()]

    return ask


@pytest.mark.parametrize(
    ("words", "out"),
    [
        ("convert", USUAL),
        ("--xen 4.17", USUAL),
        ("-v convert --out /srv/x", "/srv/x"),
        ("convert --out=/srv/x//y/../z/.", "/srv/x/z"),
        ("convert --out /srv/x --out /srv/y", "/srv/y"),
        ("convert --shim-args --out a.cfg", USUAL),  # the value of another option
        ("convert --out --in-place", "{cwd}/--in-place"),
        ("convert -- --out /srv/x", USUAL),
        ("convert --no-such-option --out /srv/x", USUAL),  # which is refused when it is run
        ("convert --jobs many", USUAL),
        ("restore --out link", "{cwd}/real"),
    ],
)
def test_out(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, out: str
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    assert written(*words.split()) == [out.format(cwd=tmp_path)]


@pytest.mark.parametrize(
    "words",
    [
        *("", "scan", "convert --help", "convert -h", "help", "help convert", "-h"),
        *("status", "shims list", "--version", "no-such-command"),
    ],
)
def test_what_writes_nothing(written: Written, words: str) -> None:
    assert written(*words.split()) == []


def test_folders_of_configs(written: Written, dom0: Dom0) -> None:
    """Where the links lead: that of the file which is going to be replaced."""
    other = dom0.root / "srv/guests\xe4, \udcff"
    (dom0.configs / "auto").mkdir()
    other.mkdir(parents=True)
    dom0.guest("web01")
    dom0.guest("db01").rename(other / "db01.cfg")
    (dom0.configs / "auto/db01").symlink_to(other / "db01.cfg")
    (dom0.configs / "nowhere.cfg").symlink_to("none")
    configs, out = str(dom0.configs), str(dom0.out)
    words = ("--in", dom0.configs, "--out", dom0.out)
    assert written("convert", *words) == [out]
    assert written("convert", "--in-place", *words) == [out, configs, str(other)]
    assert written("restore", *words) == [out, configs, str(other)]
    assert written("restore", *words, dom0.configs / "auto/db01") == [out, str(other)]
    assert written("convert", "--in-place", *words, dom0.configs / "w*") == [out, configs]
    assert written("convert", "--in-place", *words, "--map", "bad") == [out]


def test_a_line_break_is_refused(written: Written, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        written("convert", "--out", tmp_path / "a\nb")
    assert end.value.code == 1


@pytest.mark.parametrize("words", [("shims", "add", "x.deb"), ("boot-test", "x.iso")])
def test_what_an_image_cannot_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(sys, "argv", ["launched", "run", *words])
    with pytest.raises(SystemExit) as end:
        launched.main()
    assert end.value.code == 1
    assert "do:" in capsys.readouterr().err


def test_stale_guests_that_were_converted_in_place_are_edited_again(
    written: Written, dom0: Dom0
) -> None:
    assert written("convert", "--stale", "--out", dom0.out) == [str(dom0.out)]
    config = dom0.guest("one")
    assert dom0.run("convert", "--in-place").code == 0
    words = written("convert", "--stale", "--out", dom0.out)
    assert words == [str(dom0.out), str(config.parent)]
