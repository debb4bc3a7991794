"""Where a refusal begins: the last size that is taken, the first that is not."""

from pathlib import Path

import pytest

from shimtool.configs.xl.guest import read_guest
from shimtool.configs.xl.syntax import parse
from shimtool.plan.refusals import guest_faults

MOST = 16 * 1024 * 1024  # MiB


def faults(text: str) -> list[tuple[str, int | None]]:
    document = parse(f"name = 'n'\nkernel = '/k'\n{text}\n".encode(), Path("guest.cfg"))
    found = guest_faults(read_guest(document), boot_loader_replaced=True)
    assert all(fault.remedy for fault in found)
    return [(fault.seen or "", fault.where.line if fault.where else None) for fault in found]


@pytest.mark.parametrize(
    "text",
    [
        "vcpus = 128",
        "maxvcpus = 4096",  # becomes vcpus
        f"memory = {MOST}\nmaxmem = {MOST}",
        "pci = []",
        "usbctrl = []\nusbdev = [ ]\nioports = []\niomem = []\nirqs = []\ndtdev = []",
    ],
)
def test_what_can_be_is_taken(text: str) -> None:
    assert faults(text) == []


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("vcpus = 129", [("vcpus=129", 3)]),
        (f"memory = {MOST + 1}", [(f"memory={MOST + 1}", 3)]),
        (f"maxmem = {MOST + 1}", [(f"maxmem={MOST + 1}", 3)]),
        (f"\nmemory = 512\nmaxmem = {MOST + 1}", [(f"maxmem={MOST + 1}", 5)]),
        ("pci = ['01:00.0']\nvcpus = '0x100'", [("pci", 3), ("vcpus=256", 4)]),
    ],
)
def test_what_cannot_be_is_refused_at_its_line(text: str, seen: list[tuple[str, int]]) -> None:
    assert faults(text) == seen
