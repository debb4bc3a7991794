"""The kernel's command line: joined as xl does, and refused where it would not arrive as it is."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shimtool.model import BootloaderBoot, ConfigString, Guest, GuestType, NoBoot
from shimtool.plan import command_line
from shimtool.plan.command_line import Carrier

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
    assert command_line.faults(mangled, "pv-shim", Carrier.LOADER) == []


def reasons(text: str, carrier: Carrier = Carrier.LOADER) -> list[str]:
    faults = command_line.faults(guest(cmdline=text), "pv-shim", carrier)
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
        ("x" * 1007, "is 1007 bytes long, and a PV guest gets 1006"),
    ],
)
def test_what_the_loader_would_mangle_is_refused(text: str, word: str) -> None:
    assert any(word in message for message in reasons(text))
    assert reasons(text, Carrier.PRE_STAGE) == []
    assert reasons(text, Carrier.XL) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [("x" * 1024, "is 1024 bytes long, and a PV guest gets 1023"), ("a\0b", "ends")],
)
def test_what_no_pv_guest_could_get_is_refused(text: str, word: str) -> None:
    assert any(word in message for message in reasons(text, Carrier.PRE_STAGE))
    assert reasons(text, Carrier.XL) == [], "as it was before"


@given(st.binary(max_size=1023))
def test_the_pre_stage_takes_every_byte_but_zero(data: bytes) -> None:
    text = data.replace(b"\0", b"").decode(errors="surrogateescape")
    assert reasons(text, Carrier.PRE_STAGE) == []


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
    assert command_line.faults(guest(), "pv-shim --- evil", Carrier.LOADER)
    assert command_line.faults(guest(cmdline="x" * 1000), "y" * 1100, Carrier.LOADER)
    for carrier in (Carrier.PRE_STAGE, Carrier.XL):
        assert command_line.faults(guest(), "pv-shim -- for the guest", carrier)
        assert not command_line.faults(guest(), "pv-shim --- console=xen", carrier)
    assert command_line.faults(guest(), "y" * 1024, Carrier.PRE_STAGE)
    assert not command_line.faults(guest(cmdline="x" * 1023), "y" * 1023, Carrier.PRE_STAGE)
