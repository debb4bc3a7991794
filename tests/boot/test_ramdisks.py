"""Ramdisks arrive whole, wherever the ISO's last file ends and however they are packed."""

from pathlib import Path

import pytest

from shimtool.bootlog import END, parse_report
from tests.boot.conftest import Convert
from tests.boot.iso import SECTOR, places
from tests.support import guests
from tests.support.dom0 import Dom0
from tests.support.qemu import running

pytestmark = pytest.mark.boot


def config(dom0: Dom0, ramdisk: bytes) -> Path:
    (dom0.boot / "odd.img").write_bytes(ramdisk)
    text = 'name="odd"\nmemory=512\nkernel="/boot/vmlinuz"\nramdisk="/boot/odd.img"\n'
    return dom0.config("odd.cfg", text)


def arrived(iso: Path) -> bytes:
    """Boot the ISO and return the ramdisk as the shim has it in memory."""
    with running(iso) as machine:
        span = parse_report(machine.wait(END).text).ramdisk
        assert span is not None
        return machine.memory(span.start, span.size)


# In the sectors of a CD, the last one filled by a byte or short of a byte; in the blocks of
# 32 sectors that loaders read, far from their end and one sector before it.
@pytest.mark.parametrize("size", [20 * 32 * SECTOR + 1, 20 * 32 * SECTOR - SECTOR - 1])
def test_last_file_ends_at_an_odd_place(dom0: Dom0, convert: Convert, size: int) -> None:
    ramdisk = guests.filler_ramdisk(size)
    iso = convert(config(dom0, ramdisk))
    last = places(iso)[-1]
    assert last.name == "ramdisk"
    assert last.end % SECTOR == size % SECTOR
    assert arrived(iso) == ramdisk


def test_two_gzip_parts(dom0: Dom0, convert: Convert) -> None:
    ramdisk = guests.two_part_ramdisk()
    iso = convert(config(dom0, ramdisk))
    # Without the 512 bytes before it, the loader would have left the first part only, unzipped.
    assert arrived(iso)[512:] == ramdisk


def test_large_gzip_ramdisk(dom0: Dom0, convert: Convert) -> None:
    ramdisk = guests.filler_ramdisk(40_000_001, packed=True)
    assert arrived(convert(config(dom0, ramdisk)))[512:] == ramdisk
