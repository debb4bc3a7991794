"""Kernel command lines reach the guest byte for byte: looked up in the machine's memory."""

from pathlib import Path

import pytest

from shimtool.commands.boot_log import END
from tests.boot.conftest import Convert
from tests.prestage.disc import guest_line
from tests.support.dom0 import Dom0
from tests.support.qemu import running

pytestmark = pytest.mark.boot

LIMIT = 1023  # bytes: what start_info holds
SHELL_AND_LOADER = rb""""\$;{}'#%&|=`~!*?<>()[]^"""


def quoted(line: bytes) -> bytes:
    """Write a string as xl reads it back: a backslash takes the next byte as it is."""
    escaped = line.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
    return b"'" + escaped.replace(b"\n", b"\\n").replace(b"\r", b"\\r") + b"'"


def config(dom0: Dom0, line: bytes) -> Path:
    text = b"name='words'\nmemory=512\nkernel='/boot/vmlinuz'\nextra=" + quoted(line) + b"\n"
    return dom0.config("words.cfg", text)


def words(count: int) -> list[bytes]:
    """Return different words, with a byte that means something to someone in each."""
    odd = [bytes([byte]) for byte in SHELL_AND_LOADER]
    return [odd[i % len(odd)] + bytes([97 + i // len(odd)]) for i in range(count)]


def check(iso: Path, line: bytes) -> None:
    """The line is what the shim tells its guest."""
    with running(iso) as machine:
        machine.wait(END)
        assert guest_line(machine) == line


def test_three_hundred_words(dom0: Dom0, convert: Convert) -> None:
    line = b" ".join([b'"two words"', *words(299)])
    line = line.ljust(LIMIT, b"\\")
    assert len(line) == LIMIT
    assert len(line.split(b" ")) > 300
    check(convert(config(dom0, line)), line)


def test_every_byte_but_zero(dom0: Dom0, convert: Convert) -> None:
    line = b" ".join(bytes([byte]) + b"=" for byte in range(1, 256))
    check(convert(config(dom0, line)), line)


def test_dashes_and_blanks(dom0: Dom0, convert: Convert) -> None:
    line = b"\t- --  ---- --- -x --y ---z z--- a---b -- init=/bin/sh \t "
    check(convert(config(dom0, line)), line)
