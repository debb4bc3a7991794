"""The real command line on a domain's XML: from scan to restore."""

import json

import pytest

from tests.configs.libvirt.support import DATA, validates
from tests.support.dom0 import Dom0

XEN = {"hvm": "4.9.2", "pvh": "4.17.7"}
CASE = {"hvm": "virt-install-direct-kernel", "pvh": "pygrub"}
NAME = {"hvm": "web01", "pvh": "mail01"}


@pytest.mark.parametrize("mode", XEN)
def test_from_scan_to_verify(mode: str, dom0: Dom0) -> None:
    before = (DATA / f"{CASE[mode]}.xml").read_bytes()
    config, name = dom0.config(f"{NAME[mode]}.xml", before), NAME[mode]
    scanned = dom0.run("scan", "--json")
    (seen,) = json.loads(scanned.out)
    assert (seen["name"], seen["type"], seen["convertible"]) == (name, "pv", True), scanned.err
    planned = dom0.run("plan", config, "--xen", XEN[mode])
    assert "+    <type arch='x86_64' machine='xen" in planned.out
    done = dom0.run("convert", "--xen", XEN[mode])
    assert done.code == 0, done.err
    out = "/var/lib/xen/shimtool"
    next_ = f"virsh shutdown {name}; virsh define {out}/{name}.xml && virsh start {name}"
    assert f"{name}: converted ({mode}, " in done.out
    assert done.err.endswith(f"next, on dom0:\n  {next_}\n")
    assert config.read_bytes() == before
    assert validates(dom0.out / f"{name}.xml") == ""
    verified = dom0.run("verify", dom0.out / f"{name}.xml")
    assert verified.code == 0, verified.err
    assert ("boot record" in verified.out) == (mode == "hvm")
    assert dom0.run("convert", "--xen", XEN[mode]).out.startswith(f"{name}: unchanged")
    assert dom0.run("verify", config).code == 1


def test_verify_sees_a_lost_or_foreign_file(dom0: Dom0) -> None:
    dom0.config("web01.xml", (DATA / "virt-install-direct-kernel.xml").read_bytes())
    assert dom0.run("convert", "--xen", "4.9.2").code == 0
    config, iso = dom0.out / "web01.xml", dom0.out / "web01.iso"
    config.write_bytes(config.read_bytes().replace(b"<name>web01<", b"<name>renamed<"))
    assert "a boot ISO that is not in" in dom0.run("verify", config).err
    iso.rename(dom0.out / "renamed.iso")
    assert "not the boot ISO of renamed, but of another guest" in dom0.run("verify", config).err


def test_in_place_and_back(dom0: Dom0) -> None:
    before = (DATA / "dumpxml-of-a-running-guest.xml").read_bytes()
    config = dom0.config("db01.xml", before)
    assert dom0.run("convert", "--xen", "4.9.2", "--in-place").code == 0
    assert b"shimtool:converted" in config.read_bytes()
    again = dom0.run("convert", "--xen", "4.9.2", "--in-place")
    assert "db01: unchanged" in again.out, again.err
    assert dom0.run("restore").code == 0
    assert config.read_bytes() == before


def test_a_domain_and_an_xl_config_of_one_name_collide(dom0: Dom0) -> None:
    dom0.config("web01.xml", (DATA / "virt-install-direct-kernel.xml").read_bytes())
    dom0.guest("web01")
    done = dom0.run("convert")
    assert done.code == 1
    assert "2 configs describe a guest of this name" in done.err


@pytest.mark.parametrize(
    "name", ["external-entity", "not-well-formed", "snapshot", "nothing-there"]
)
def test_bad_xml_gets_plain_words(name: str, dom0: Dom0) -> None:
    dom0.config("bad.xml", (DATA / f"refused-{name}.xml").read_bytes())
    done = dom0.run("convert")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert "bad.xml:" in done.err
