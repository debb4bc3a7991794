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
        (b'displayName = "x"\nconfig.version = "8"\n', "VMware", 1),
        (b'Parsing config from /etc/xen/x\n{\n "c_info": {}}', "libxl-json", 1),
        (b"lxc.utsname = web\nlxc.rootfs = /var/lib/lxc/web\n", "LXC", 1),
        (b'ONBOOT="yes"\nKMEMSIZE="1:2"\n', "OpenVZ", 1),
        (b"Name                 ID   Mem VCPUs\tState\tTime(s)\n", "xl list", 1),
        (b"uuid ( RO)              : 1234\n  name-label ( RW): web\n", "xe", 1),
        (b"# grub\ndefault 0\ntimeout 5\ntitle x\n", "boot loader's menu", 2),
        (b"DEFAULT linux\nLABEL linux\n KERNEL /vmlinuz\n", "boot loader's menu", 1),
        (b'set default=0\nmenuentry "x" {\n}\n', "boot loader's menu", 1),
        (b'resource "xenorchestra_vm" "x" {\n}\n', "Terraform", 1),
        (b'Vagrant.configure("2") do |config|\nend\n', "Vagrantfile", 1),
        (b"d-i debian-installer/locale string en_US\n", "installer", 1),
        (b"--- a/x.cfg\n+++ b/x.cfg\n@@ -1 +1 @@\n", "patch", 1),
        (b"```\nname = 'x'\n```\n", "Markdown", 1),
        (b"[Unit]\nDescription=x\n", "sections", 1),
        (b'[drive "d0"]\r\n file = "x"\r\n', "sections", 1),
        (b"---\nname: web\n", "NAME: VALUE", 1),
        (b"boot: c\ncores: 2\nname: web\n", "NAME: VALUE", 1),
        (b"machine:\n  name: web\n", "NAME: VALUE", 1),
        (b"#cloud-config\nhostname: web\n", "NAME: VALUE", 2),
        (b"host                   : dom0\nxen_version : 4.17\n", "NAME: VALUE", 1),
        (b"#!/bin/sh\nxl create /etc/xen/x.cfg\n", "script", 1),
        (b"#!/usr/bin/env bash\nset -e\n", "script", 1),
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
    [
        b"",
        b"#",
        b"else:\n a: b",
        b"[1]",
        b"(a, b) = 1, 2\n",
        b"name = 'x'\n",
        b"try:\n  x = 1\n",
        b"if x: y\n",
        b"# a" * 100_000,
    ],
)
def test_others_are_left_to_the_parsers(data: bytes) -> None:
    assert foreign_format(data, HERE) is None


def test_a_config_that_xl_reads_is_xls() -> None:
    assert parse(b'config.version = "8"\nname = "x"\n', HERE).name
