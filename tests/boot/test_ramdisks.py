"""Ramdisks arrive whole, wherever the ISO's last file ends and however they are packed."""

from pathlib import Path

import pytest

from shimtool.commands.boot_log import END, parse_report
from tests.boot.conftest import Convert
from tests.boot.iso import SECTOR, places
from tests.support import guests
from tests.support.dom0 import Dom0
from tests.support.qemu import running

pytestmark = pytest.mark.boot

BLOCK = 32  # sectors, 64 KiB: what loaders read at a time


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


# Loaders read in aligned blocks, so what counts is how much of the last one the disc fills: next to
# nothing, or nearly all. Every other sector can be had, as the last file begins at whole pages.
@pytest.mark.parametrize(("size", "near"), [(2_000_001, 1), (1_999_999, BLOCK - 2)])
def test_last_file_ends_at_an_odd_place(dom0: Dom0, convert: Convert, size: int, near: int) -> None:
    end = places(convert(config(dom0, guests.filler_ramdisk(size))))[-1].end // SECTOR
    sector = near if (end - near) % 2 == 0 else near + 1
    missing = (sector - end) % BLOCK
    ramdisk = guests.filler_ramdisk(size + missing * SECTOR)
    iso = convert(config(dom0, ramdisk))
    assert places(iso)[-1].end // SECTOR % BLOCK == sector
    assert arrived(iso) == ramdisk


def test_two_gzip_parts(dom0: Dom0, convert: Convert) -> None:
    ramdisk = guests.two_part_ramdisk()
    iso = convert(config(dom0, ramdisk))
    # Without a guard before it, the loader would have left the first part only, unzipped.
    assert arrived(iso) == ramdisk


def test_large_gzip_ramdisk(dom0: Dom0, convert: Convert) -> None:
    ramdisk = guests.filler_ramdisk(40_000_001, packed=True)
    assert arrived(convert(config(dom0, ramdisk))) == ramdisk
