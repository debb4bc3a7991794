"""Configs for xm on the command line: planned, converted for xl, verified and restored."""

import json

from tests.support.cli import refused
from tests.support.dom0 import KERNEL, RAMDISK, Dom0

CONFIG = f"""\
#  -*- mode: python; -*-
import os
vg = 'vg0'
name = "old01"
kernel = '{KERNEL[:6]}' + '{KERNEL[6:]}'
ramdisk = "{RAMDISK}"
memory = 2 * 256
disk = [ 'phy:/dev/%s/old-disk,xvda2,w' % vg,
         'phy:/dev/%s/old-swap,xvda1,w' % vg ]
root = "/dev/xvda2 ro"
"""


def test_an_xm_config_becomes_one_for_xl(dom0: Dom0) -> None:
    config = dom0.config("old01", CONFIG)
    (guest,) = json.loads(dom0.run("plan", "--json", config).out)
    assert (guest["name"], guest["convertible"]) == ("old01", True)
    assert dom0.run("convert", config).code == 0
    written = (dom0.out / "old01.cfg").read_text()
    assert written.splitlines()[7].startswith(
        'disk = ["phy:/dev/vg0/old-disk,xvda2,w", "phy:/dev/vg0/old-swap,xvda1,w"] #shimtool#'
    )
    assert dom0.run("verify", dom0.out / "old01.cfg").code == 0
    assert "unchanged" in dom0.run("convert", config).out


def test_in_place_and_back(dom0: Dom0) -> None:
    config = dom0.config("old01.cfg", CONFIG)
    assert dom0.run("convert", "--in-place").code == 0
    assert config.read_bytes() != CONFIG.encode()
    assert "old01: unchanged" in dom0.run("convert", "--in-place").out
    assert dom0.run("restore").code == 0
    assert config.read_bytes() == CONFIG.encode()


def test_what_only_python_could_tell_is_refused_with_its_line(dom0: Dom0) -> None:
    config = dom0.config("old01.cfg", CONFIG.replace("2 * 256", "int(os.environ['MB'])"))
    refused(dom0.run("convert", config), "old01.cfg:7", "memory")
