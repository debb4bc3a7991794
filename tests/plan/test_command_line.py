"""The kernel's command line: joined as xl does, and refused where the loader would change it."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shimtool.model import BootloaderBoot, ConfigString, Guest, GuestType, Mode, NoBoot
from shimtool.plan import command_line

GUEST = Guest("g", Path("g.cfg"), GuestType.PV, NoBoot("-"), 512, 512, 1, 1)


def guest(root: str | None = None, extra: str | None = None, cmdline: str | None = None) -> Guest:
    def sourced(text: str | None) -> ConfigString | None:
        return None if text is None else ConfigString(text, 7)

    return replace(GUEST, root=sourced(root), extra=sourced(extra), cmdline=sourced(cmdline))


@pytest.mark.parametrize(
    ("given_", "line"),
    [
        (guest(), ""),
        (guest(root="/dev/xvda2 ro"), "root=/dev/xvda2 ro"),
        (guest(extra="quiet"), "quiet"),
        (guest(root="/dev/xvda2 ro", extra="quiet"), "root=/dev/xvda2 ro quiet"),
        (guest(root="a", extra="b", cmdline="c"), "c"),
        (guest(root="a", cmdline=""), ""),
        (guest(root="", extra="b"), "root= b"),
    ],
)
def test_joined_as_xl_does(given_: Guest, line: str) -> None:
    assert command_line.join(given_) == line


def test_pv_grub_gets_none_of_it() -> None:
    boot = BootloaderBoot(ConfigString("pygrub", 1))
    mangled = replace(guest(root="/dev/xvda2  ro"), boot=boot)
    assert command_line.join(mangled) == ""
    assert command_line.faults(mangled, "pv-shim", Mode.HVM) == []


def reasons(text: str, mode: Mode = Mode.HVM) -> list[str]:
    faults = command_line.faults(guest(cmdline=text), "pv-shim", mode)
    assert all(fault.where and fault.where.line == 7 for fault in faults)
    return [fault.message for fault in faults]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a --- b", "---"),
        ("---", "---"),
        ('x="b --- c"', "---"),
        ("a\nb", "ends"),
        ("a\rb", "ends"),
        ("a  b", "blanks"),
        ("a\tb", "blanks"),
        (" a", "blanks"),
        ("a ", "blanks"),
        ("x" * 1007, "1006 fit"),
    ],
)
def test_what_the_loader_would_mangle_is_refused(text: str, word: str) -> None:
    assert any(word in message for message in reasons(text))
    assert reasons(text, Mode.PVH) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 1006,
        'dyndbg="file a.c +p"',
        "a ---b -- - c---",
        "$HOME `id` ; {} # % \\ ' é",
        "\x01",
    ],
)
def test_what_arrives_unchanged_is_accepted(text: str) -> None:
    assert reasons(text) == []


@given(st.text(st.characters(min_codepoint=1, max_codepoint=0x7F), max_size=60))
def test_an_accepted_line_survives_the_loaders_splitting(text: str) -> None:
    """mboot.c32 splits at white space and joins with one blank; modules end at a lone ---."""
    if not reasons(text):
        assert " ".join(re.split(r"[ \t\v\f]+", text)) == text
        assert " --- " not in f" {text} "
        assert "\n" not in text


def test_shim_arguments_are_checked_too() -> None:
    assert command_line.faults(guest(), "pv-shim --- evil", Mode.HVM)
    assert command_line.faults(guest(cmdline="x" * 1000), "y" * 1100, Mode.HVM)
