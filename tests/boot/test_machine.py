"""The test machine itself: says why a boot failed, and is gone afterwards."""

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from pycdlib import PyCdlib

from tests.support.qemu import boot, running

pytestmark = pytest.mark.boot


def command_lines() -> Iterator[bytes]:
    """Yield those of all processes."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it may end meanwhile
            yield file.read_bytes()


def boots_into(code: bytes) -> bytes:
    """An ISO whose El Torito entry is this code: a machine that spins uses CPU time."""
    iso, made = PyCdlib(), io.BytesIO()
    iso.new()
    iso.add_fp(io.BytesIO(code.ljust(2048, b"\0")), 2048, "/BOOT.;1")
    iso.add_eltorito("/BOOT.;1")
    iso.write_fp(made)
    iso.close()
    return made.getvalue()


def test_failure_shows_the_screen_and_ends_qemu(tmp_path: Path) -> None:
    disc = tmp_path / "never, ends.iso"
    disc.write_bytes(boots_into(b"\xeb\xfe"))  # jmp $
    with running(disc, memory=64):
        assert any(b"never,, ends.iso" in line for line in command_lines())
    with pytest.raises(AssertionError, match=r"(?s)the screen shows:.*SeaBIOS"):
        boot(disc, memory=64, seconds=3, until=re.compile("never"))
    assert not any(b"never,, ends.iso" in line for line in command_lines())


def test_memory_is_read_where_asked(tmp_path: Path) -> None:
    disc = tmp_path / "disc.iso"
    disc.write_bytes(bytes(1 << 20))
    with running(disc, memory=64) as machine:
        assert machine.memory(0xFFFFFFF0, 1) == b"\xea"  # the far jump at which a PC starts
