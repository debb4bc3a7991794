"""Files of other formats: one message, which names the format."""

from pathlib import Path

import pytest

from shimtool.configs.foreign import foreign_format
from shimtool.configs.parse import parse
from shimtool.errors import ShimtoolError

HERE = Path("guest.cfg")
NONE = "xl understands none of its lines"


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
        (
            b'NAME = "x"\nMEMORY = 512\n\nDISK = [ IMAGE_ID = 1,\n TARGET = "xvda" ]\n',
            "OpenNebula",
            1,
        ),
        (b"# Disk DescriptorFile\nversion=1\nCID=fffffffe\n", "VMware says of a disk", 2),
        (b"virt-install --name web --ram 512 \\\n --disk path=/x\n", "for a shell", 1),
        (b"qemu-system-x86_64 -m 512 -hda /x.img\n", "for a shell", 1),
        (b"xl create /etc/xen/web.cfg\n", "for a shell", 1),
        (b"# make it\nset -e\nname=web\n", "for a shell", 2),
        (b"cat > /etc/xen/web.cfg <<EOF\nname = 'web'\nEOF\n", "for a shell", 1),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03abc", "packed", 1),
        (b"\xfd7zXZ\0\0\x04abc", "packed", 1),
        (b"BZh91AY&SY", "packed", 1),
        (b"PK\x03\x04\x14\0\0\0", "packed", 1),
        (b"\x28\xb5\x2f\xfd\0\0", "packed", 1),
        (b"ova.xml" + bytes(250) + b"ustar  \0" + bytes(300), "archive", 1),
        ("name = 'x'\r\nkernel = '/k'\r\n".encode("utf-16"), "UTF-16", 1),
        ("name = 'x'\n".encode("utf-16-be"), "UTF-16", 1),
        (b"QFI\xfb\0\0\0\3" + bytes(90), "image of a disk", 1),
        (b"conectix\0\0\0\2" + bytes(90), "image of a disk", 1),
        (b"<<< Oracle VM VirtualBox Disk Image >>>\n" + bytes(90), "image of a disk", 1),
        (b"\x7fELF\2\1\1\0" + bytes(60), "a kernel", 1),
        (b"%PDF-1.4\n%\xe2\xe3\n", "word processor", 1),
        (b"{\\rtf1\\ansi name = 'x'}\n", "word processor", 1),
        (b"/dev/xvda1 / ext4 defaults 0 1\n/dev/xvda2 none swap sw 0 0\n", NONE, 1),
        (b"auto lo\niface lo inet loopback\n", NONE, 1),
        (b"# kickstart\ninstall\nurl --url http://x/\nlang en_US.UTF-8\n", NONE, 2),
        (b"FROM debian:12\nRUN apt-get update\n", NONE, 1),
        (b"node 'web' {\n  include xen\n}\n", NONE, 1),
        (b"name,memory,vcpus\nweb,512,1\n", NONE, 1),
        (b"Parsing config from /etc/xen/x\nlibxl: error: libxl.c:1: foo\n", NONE, 1),
        (b'Traceback (most recent call last):\n  File "x", line 1\n', NONE, 1),
        (b'Using config file "/etc/xen/x".\nStarted domain x (id=5)\n', NONE, 1),
        (b"This is the guest of the web team.\nPlease do not remove it.\n" * 999, NONE, 1),
        (b"# Guest\n\nThe guest `web`:\n\n- memory 512\n", NONE, 3),
        (b"Guest\n=====\n\nThe guest.\n", NONE, 1),
        (b".TH XL.CFG 5\n.SH NAME\nxl.cfg\n", NONE, 1),
        (b"<?php\n$x = 1;\n", NONE, 1),
        (b'description "x"\nstart on runlevel [2345]\nexec xl create x\n', NONE, 1),
        (b" Id   Name   State\n--------------------\n 1 web running\n", NONE, 1),
        (b"- Instance name: web\n  UUID: x\n  Nodes:\n", NONE, 1),
        (b"<!DOCTYPE html>\n<html><body>404</body></html>\n", "<!DOCTYPE html>", 1),
        (b"<html>\n<head><title>404 Not Found</title></head></html>\n", "but <html>", 1),
        (b"<network>\n <name>default</name>\n</network>\n", "but <network>", 1),
        (b"<pool type='dir'>\n <name>default</name>\n</pool>\n", "but <pool>", 1),
        (b"<domstatus state='running'>\n<domain type='xen'/></domstatus>", "but <domstatus>", 1),
        (b"<domaincheckpoint><name>1</name></domaincheckpoint>\n", "domaincheckpoint", 1),
        (b'<?xml version="1.0" ?>\n<appliance version="0.1"/>\n', "but <appliance>", 2),
        (b'<?xml version="1.0"?>\n<ParallelsVirtualMachine/>', "but <Parallels", 2),
        (b"\0" * 512, "not a text file", 1),
        (b"a\nRar!\x1a\x07\0", "not a text file", 2),
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


# What is wrong with a config that has been filled in, typed or copied badly, and what would help.
@pytest.mark.parametrize(
    ("line", "help_"),
    [
        ("memory = {{ memory }}", "template"),
        ("{% if x %}", "template"),
        ("memory = <%= @memory %>", "template"),
        ("memory = ${MEM}", "template"),
        ("memory = @MEMORY@", "template"),
        ("memory = %MEMORY%", "template"),
        ("// a guest", "comments begin with #"),
        ("/* a guest */", "comments begin with #"),
        ("extra = “quiet”", "plain quotes"),
        ("extra = \u2018quiet\u2019", "plain quotes"),
        ("extra = `quiet`", "plain quotes"),
        ("extra =\u00a0'quiet'", "plain blanks"),
        ("EOF", "here-document"),
        ("<<<<<<< HEAD", "not merged"),
        ("Vcpus = 2", "lower case"),
        ("on_reboot = -destroy", "text needs quotes"),
    ],
)
def test_what_would_help(line: str, help_: str) -> None:
    with pytest.raises(ShimtoolError) as caught:
        parse(f"name = 'g'\n{line}\n".encode(), HERE)
    (fault,) = caught.value.faults
    assert help_ in str(fault.remedy)
    assert str(fault.where) == "guest.cfg:2"


def test_a_byte_order_mark() -> None:
    with pytest.raises(ShimtoolError) as caught:
        parse(b"\xef\xbb\xbfname = 'g'\n", HERE)
    assert "BOM" in str(caught.value.faults[0].remedy)


def test_a_config_that_xl_reads_is_xls() -> None:
    assert parse(b'config.version = "8"\nname = "x"\n', HERE).name
