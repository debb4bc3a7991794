"""Messages about a domain name its elements; those about an xl config name xl's keys."""

import pytest

from shimtool.configs.libvirt.keys import PATHS, VOCABULARY
from shimtool.model import XL
from tests.configs.libvirt.support import domain, small


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
    assert XL.or_pvh("shorten it") == "shorten it, or use --mode pvh"
    assert VOCABULARY.or_pvh("shorten it") == "shorten it"


def test_a_domains_guest_has_its_words() -> None:
    assert domain(small()).guest().written("kernel") == "<kernel>"
