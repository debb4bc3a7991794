"""Messages about xend's SXP name its lists, on its lines, and never a key of xl's."""

import re

import pytest

from shimtool.commands.outcomes import Refused
from shimtool.commands.settings import GuestSettings
from shimtool.configs.sxp.keys import DEVICES, LISTS, VOCABULARY
from shimtool.dom0.keys import TABLE
from shimtool.model import Mode
from tests.support.dom0 import Dom0
from tests.support.planning import outcome_of, run_on

XL_KEY = re.compile(rf"\b({'|'.join(key for row in TABLE for key in row.keys)})=(?!')")
KERNEL = "(image (linux (kernel /boot/vmlinuz-guest)))"


def test_every_list_has_its_name() -> None:
    assert all(VOCABULARY.written(key).startswith("(") for key in (*LISTS, *DEVICES))


@pytest.mark.parametrize(
    ("text", "message", "remedy", "line"),
    [
        (f"{KERNEL}\n(memory 0)", "(memory ...) must be at least 1", None, 3),
        (f"{KERNEL}\n(vcpus 200)", "128 vCPUs", "set (vcpus ...) to 128 or less", 3),
        (f"{KERNEL}\n(memory 99999999)", "(memory ...) is more than 16 TiB", "correct (memory", 3),
        (f"{KERNEL}\n(device (pci (dev (slot 0))))", "PCI", "remove (device (pci ...))", 3),
        ("(image (linux (kernel )))", "neither (kernel ...) nor (boot", "add (kernel ...)", None),
        ("(bootloader pygrub)\n(bootloader_args '-l')", "(bootloader_args ...) cannot", "(boot", 3),
        ("\n(bootloader pypxeboot)", "this boot loader's place", "(bootloader ...) to pygrub", 3),
        (
            "(bootloader pygrub)\n(image (linux (args x)))\n(bootloader_args '--entry=1')\n"
            "(device (vbd (dev xvda) (uname phy:/dev/vg0/none)))",
            "honour --entry",
            "remove --entry here",
            4,
        ),
    ],
)
def test_messages(
    text: str, message: str, remedy: str | None, line: int | None, dom0: Dom0
) -> None:
    config = dom0.config("g.sxp", f"(domain (name g)\n{text})\n")
    refused = outcome_of(config, run_on(dom0, GuestSettings(mode=Mode.HVM)))
    assert isinstance(refused, Refused)
    said = [text for each in refused.faults for text in (each.message, each.remedy) if text]
    assert any(message in text for text in said), said
    assert remedy is None or any(remedy in text for text in said), said
    assert not any(XL_KEY.search(text) for text in said), said
    assert line in {each.where.line for each in refused.faults if each.where}


def test_a_guest_without_a_name(dom0: Dom0) -> None:
    refused = outcome_of(dom0.config("g.sxp", f"(domain {KERNEL})"), run_on(dom0, GuestSettings()))
    assert isinstance(refused, Refused)
    assert refused.faults[0].remedy == "set (name ...)"
