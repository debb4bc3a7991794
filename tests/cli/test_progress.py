"""The bar of convert on a real terminal: seen while it works, gone after, never in the way."""

import json
from pathlib import Path

import pytest

from tests.support.dom0 import Dom0
from tests.support.screen import Seen, on_screen

GUESTS = 6


@pytest.fixture
def many(dom0: Dom0) -> Dom0:
    for number in range(GUESTS):
        dom0.guest(f"web{number:02}")
    dom0.config("gone.cfg", 'name = "gone"\nkernel = "/boot/gone"\n')
    return dom0


def options(dom0: Dom0) -> list[str | Path]:
    return ["--in", dom0.configs, "--out", dom0.out, "--map", f"/boot={dom0.boot}"]


def bars(seen: Seen) -> list[str]:
    """Every bar that stood on the screen at some time, each once."""
    lines = (line for frame in seen.frames for line in frame.splitlines())
    return list(dict.fromkeys(line for line in lines if line.lstrip().startswith(("━", "╸", "╺"))))


def flat(text: str) -> str:
    """The text of lines that the terminal broke where they reached its edge."""
    return "".join(text.splitlines())


@pytest.mark.parametrize("columns", [45, 80])
@pytest.mark.parametrize("jobs", ["1", "4"])
def test_the_bar_counts_and_then_only_the_results_stay(many: Dom0, columns: int, jobs: str) -> None:
    seen = on_screen("convert", *options(many), "--jobs", jobs, columns=columns)
    assert seen.code == 1  # one is refused
    shown = bars(seen)
    counts = [count for count in range(GUESTS + 2) if any(f" {count}/7 " in bar for bar in shown)]
    assert counts[-1] == GUESTS + 1
    assert len(counts) > 2, shown
    assert not [line for line in seen.lines if "━" in line or "/7 " in line]
    assert not seen.cursor_hidden
    for number in range(GUESTS):
        assert f"web{number:02}: converted (hvm" in seen.text
    assert flat(seen.text).count("error: ") == 1
    assert "6 converted, 1 refused" in seen.text


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_what_stays_is_what_a_pipe_gets(many: Dom0, jobs: str) -> None:
    assert many.run("convert").code == 1
    piped = many.run("convert", "--jobs", jobs)
    seen = on_screen("convert", *options(many), "--jobs", jobs, columns=500)
    assert "\x1b" not in piped.out + piped.err
    wanted = [line for line in (piped.out + piped.err).splitlines() if line.strip()]
    assert sorted(line.strip() for line in wanted) == sorted(line.strip() for line in seen.lines)


def test_the_guest_at_hand_is_named(many: Dom0) -> None:
    seen = on_screen("convert", *options(many), "--jobs", "4")
    assert any("web0" in bar for bar in bars(seen)), bars(seen)


def test_results_in_a_file_have_no_bar_in_them(many: Dom0, tmp_path: Path) -> None:
    seen = on_screen("convert", *options(many), stdout=tmp_path / "log")
    assert bars(seen)
    assert "\x1b" not in seen.piped
    assert seen.piped.count(": converted") == GUESTS
    assert "converted (" not in seen.text


def test_json_stays_json_beside_a_bar(many: Dom0, tmp_path: Path) -> None:
    seen = on_screen("convert", "--json", *options(many), stdout=tmp_path / "json")
    assert bars(seen)
    assert len(json.loads(seen.piped)) == GUESTS + 1
    assert "━" not in seen.text


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_has_no_bar(many: Dom0, term: str) -> None:
    seen = on_screen("convert", *options(many), environ={"TERM": term})
    assert b"\x1b" not in seen.raw
    assert "6 converted, 1 refused" in seen.text


def test_no_color_means_no_colour(many: Dom0) -> None:
    seen = on_screen("convert", *options(many), environ={"NO_COLOR": "1"})
    assert bars(seen)
    assert b"\x1b[38" not in seen.raw
    assert b"\x1b[3" not in seen.raw.replace(b"\x1b[39m", b"")


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_ctrl_c_leaves_a_sane_terminal(many: Dom0, jobs: str) -> None:
    for number in range(GUESTS, 500):
        many.guest(f"web{number:02}")
    seen = on_screen(
        *("convert", *options(many), "--jobs", jobs),
        interrupt_at=lambda screen: "web01: converted" in screen,
    )
    assert seen.code == 130
    assert not seen.cursor_hidden
    assert "━" not in seen.text
    assert "Traceback" not in seen.text
    assert seen.text.count(": converted") < 500
    left = {path.name for path in many.out.iterdir()}
    assert not [name for name in left if name.startswith(".") and name != ".lock"], left
    assert (many.out / "shimtool.yaml").exists()


def test_names_of_guests_cannot_draw(dom0: Dom0) -> None:
    dom0.config("a.cfg", b'name = "[blink]x\xc2\x9b2J"\nkernel = "/boot/gone"\n')
    dom0.guest("[red]y")
    seen = on_screen("convert", *options(dom0))
    assert b"\xc2\x9b" not in seen.raw
    assert b"\x1b[5m" not in seen.raw
    assert "[red]y: converted" in seen.text
