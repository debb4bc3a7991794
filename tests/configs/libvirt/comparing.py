"""What libxl would get of a guest by libvirt's own driver, before and after, held together."""

import re
from pathlib import Path
from typing import Any

from shimtool.configs.libvirt.convert import is_ours
from shimtool.configs.libvirt.domain import parse
from shimtool.model import Mode, Plan
from tests.configs.libvirt.driver import ask


def told(data: bytes, folder: Path) -> dict[str, Any]:
    """Return what the driver tells libxl; it must take the domain."""
    file = folder / "domain.xml"
    file.write_bytes(_local(data))
    answer = ask(file)
    assert "refused" not in answer, answer["refused"]
    kept = parse(answer["xml"].encode(), file)
    assert is_ours(kept) == (b"urn:shimtool" in data)  # libvirt keeps the mark, and makes none
    libxl: dict[str, Any] = answer["libxl"]
    return libxl


def same(old: dict[str, Any], new: dict[str, Any], plan: Plan) -> None:
    """What must not change between the PV guest and the one in a container."""
    for key in ("name", "uuid"):
        assert new["c_info"].get(key) == old["c_info"].get(key) or key == "uuid"
    assert new["b_info"].get("cpuset") == old["b_info"].get("cpuset")
    assert (
        new["b_info"]["max_memkb"] == new["b_info"]["target_memkb"] == plan.memory.container << 10
    )
    assert plan.memory.guest << 10 >= old["b_info"]["target_memkb"]
    assert new["b_info"]["max_vcpus"] == (
        len(new["b_info"]["avail_vcpus"]) if plan.mode is Mode.PVH else old["b_info"]["max_vcpus"]
    )
    assert new["b_info"]["avail_vcpus"] == old["b_info"]["avail_vcpus"]
    assert [key for key in ("vfbs", "vkbs", "pcidevs", "usbdevs", "usbctrls") if new.get(key)] == []
    for key in ("on_reboot", "on_crash", "on_poweroff"):
        assert new.get(key) == old.get(key)
    for disk, before in zip(new.get("disks", []), old.get("disks", []), strict=True):
        served = dict(before)
        # An empty drive has no back end yet, and of one without <driver> libxl chooses it.
        if disk.get("is_cdrom") and disk.get("pdev_path") and before.get("backend"):
            served["backend"] = "qdisk"
        assert {**disk, "is_cdrom": 0} == {**served, "is_cdrom": 0}
    for nic, before in zip(new.get("nics", []), old.get("nics", []), strict=True):
        assert nic["nictype"] == "vif"
        left_out = ("model", "mac")  # libvirt makes a MAC up where none is given
        assert [pair for pair in nic.items() if pair[0] not in left_out] == [
            pair for pair in before.items() if pair[0] not in left_out
        ]


def _local(data: bytes) -> bytes:
    """Leave out what the driver would ask others for: a libvirtd its networks, Xen its CPUs."""
    data = data.replace(b"<interface type='network'>", b"<interface type='bridge'>")
    data = data.replace(b"<source network='default'/>", b"<source bridge='virbr0'/>")
    return re.sub(rb"(?s)<cputune>.*</cputune>| cpuset='0-3'", b"", data)
