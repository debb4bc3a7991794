"""Messages about a domain name its elements; those about an xl config name xl's keys."""

import re
from collections.abc import Iterator

import pytest

from shimtool.commands.outcomes import Refused
from shimtool.commands.settings import GuestSettings
from shimtool.configs.libvirt.keys import PATHS, VOCABULARY
from shimtool.dom0.keys import TABLE
from shimtool.errors import ShimtoolError
from shimtool.model import XL, Guest, Host, Mode, Settings
from shimtool.plan.plan import payload_independent_faults, plan
from tests.configs.libvirt.support import GOOD, domain, image, small
from tests.support.dom0 import Dom0
from tests.support.planning import outcome_of, run_on


@pytest.mark.parametrize(
    ("key", "element"),
    [
        ("ramdisk", "<initrd>"),
        ("memory", "<memory>"),
        ("maxmem", "<memory>"),
        ("vcpus", "<vcpu>"),
        ("maxvcpus", "<vcpu>"),
        ("vfb", "<graphics>"),
        ("usb", "<controller type='usb'>"),
        ("pci", "<hostdev type='pci'>"),
    ],
)
def test_what_keys_are_called(key: str, element: str) -> None:
    assert VOCABULARY.name(key) == VOCABULARY.written(key) == element
    assert (XL.name(key), XL.written(key)) == (key, f"{key}=")


def test_every_element_that_is_read_has_a_name() -> None:
    assert all(VOCABULARY.written(key).startswith("<") for key in PATHS)


def test_pvh_mode_is_advised_where_it_can_help() -> None:
    assert XL.or_pvh("shorten it") == "shorten it, or, from Xen 4.10.1 on, use --mode pvh"
    assert VOCABULARY.or_pvh("shorten it") == "shorten it"


def test_a_domains_guest_has_its_words() -> None:
    assert domain(small()).guest().written("kernel") == "<kernel>"


# Every part of a domain that a message speaks of; none is refused by the reader.
TOLD = [path.read_bytes() for path in GOOD] + [
    small(text, devices).replace("<kernel>/boot/k</kernel>", boot).encode()
    for text in (
        "<currentMemory>262144</currentMemory><vcpu current='33'>40</vcpu>",
        "<currentMemory unit='TiB'>18</currentMemory><vcpu>129</vcpu>",
        "<cpu><numa><cell id='0' cpus='0' memory='524288'/></numa></cpu>",
        "<bootloader>pypxeboot</bootloader>",
        "<bootloader>pygrub</bootloader><bootloader_args>--entry=1</bootloader_args>",
        "<bootloader>pygrub</bootloader><bootloader_args>--nothing</bootloader_args>",
    )
    for boot in (
        "",
        "<kernel>/boot/k</kernel><initrd>/boot/i</initrd><cmdline>a --- b  c</cmdline>",
    )
    for devices in (
        "<graphics type='vnc'/><video/><emulator>/x</emulator><controller type='usb'/>"
        "<disk><target dev='xvda'/><readonly/></disk><interface/>",
        "<hostdev type='pci'/><hostdev type='usb'/><hostdev type='scsi'/>",
    )
] + [small().replace("524288", "999999999999").encode()]  # fmt: skip
XL_KEY = re.compile(rf"\b({'|'.join(key for row in TABLE for key in row.keys)})=(?!')")


def said_of(guest: Guest, host: Host, settings: Settings) -> Iterator[str | None]:
    made = image()
    for fault in payload_independent_faults(guest, host, made.shim, settings):
        yield from (fault.message, fault.seen, fault.remedy)
    try:
        planned = plan(guest, made.payload, made.shim, host, settings)
        yield from (each.text for each in planned.warnings)
    except ShimtoolError as error:
        for fault in error.faults:
            yield from (fault.message, fault.seen, fault.remedy)


@pytest.mark.parametrize("mode", [None, *Mode])
def test_no_message_about_a_domain_speaks_of_xl(mode: Mode | None) -> None:
    texts = {
        text
        for data in TOLD
        for host in (Host(), Host((4, 9, 2)), Host((4, 17, 7)))
        for text in said_of(domain(data).guest(), host, Settings(mode=mode, force=True))
        if text is not None
    }
    assert len(texts) > 30
    texts.discard("use --mode hvm, or convert an xl config of this guest")
    assert [text for text in texts if XL_KEY.search(text) or re.search(r"\bxl\b", text)] == []
    assert not any("--mode pvh" in text for text in texts)


@pytest.mark.parametrize(
    ("disk", "remedy"),
    [
        ("", "add the guest's disk to <disk>"),
        ("<driver type='vmdk'/>", "set <kernel> and <initrd> instead of <bootloader>"),
        ("<driver type='raw'/>", "set <kernel>, <initrd> and <cmdline> instead of <bootloader>"),
    ],
)
def test_nor_do_those_about_its_disks(disk: str, remedy: str, dom0: Dom0) -> None:
    file = dom0.root / "disk.img"
    file.write_bytes(bytes(4096))
    devices = f"<disk><source file='{file}'/><target dev='xvda'/>{disk}</disk>" if disk else ""
    text = small("<bootloader>pygrub</bootloader>", devices)
    config = dom0.config("n.xml", text.replace("<kernel>/boot/k</kernel>", ""))
    refused = outcome_of(config, run_on(dom0, GuestSettings(extract=True)))
    assert isinstance(refused, Refused)
    assert [fault.remedy for fault in refused.faults if remedy in (fault.remedy or "")]
