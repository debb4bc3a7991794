"""Files of other formats: one message, which names the format."""

from pathlib import Path

import pytest

from shimtool.configs.foreign import foreign_format
from shimtool.configs.parse import parse
from shimtool.errors import ShimtoolError

HERE = Path("guest.cfg")


@pytest.mark.parametrize(
    ("data", "named", "line"),
    [
        (b"(xend-http-server yes)\n(logfile x)\n", "SXP", 1),
        (b"\n# xend\n\n  (network (name x))", "SXP", 4),
        (b"(domain\n\t(domid -1)\n\t(create_info)\n\t(hvm 0)\n\t(image\n))\n", "xl of Xen 4.1", 1),
        (b'[{"domid": 1, "config": {}}]', "xl list", 1),
        (b'\n[\n {\n  "domid": 1}]', "xl list", 2),
        (b'{"c_info": {"type": "pv"}}', "libxl-json", 1),
        (b'{"a": 1}', "but JSON", 1),
        (b"[]", "but JSON", 1),
        (b'.encoding = "windows-1252"\n', "VMware", 1),
        (b'#!/usr/bin/vmware\nconfig.version = "8"\nvirtualHW.version = "4"\nA = 1', "VMware", 2),
        (b"Xen Saved domain, xl format\n \0 \r", "saved", 1),
    ],
)
def test_named(data: bytes, named: str, line: int) -> None:
    with pytest.raises(ShimtoolError) as caught:
        parse(data, HERE)
    (fault,) = caught.value.faults
    assert named in fault.message
    assert str(fault.where) == f"guest.cfg:{line}"
    assert fault.remedy


@pytest.mark.parametrize(
    "data",
    [b"", b"#", b"(a, b) = 1, 2\n", b"name = 'x'\n", b"[section]\nname = x\n", b"# a" * 100_000],
)
def test_others_are_left_to_the_parsers(data: bytes) -> None:
    assert foreign_format(data, HERE) is None


def test_a_config_that_xl_reads_is_xls() -> None:
    assert parse(b'config.version = "8"\nname = "x"\n', HERE).name
