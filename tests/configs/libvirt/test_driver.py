"""What libvirt's own Xen driver makes of the XML: the very settings that libxl would get.

The device-model script stands where the XML says, and libvirt runs it as it does on dom0.
"""

import shutil
from pathlib import Path

import pytest

from shimtool.commands.settings import GuestSettings
from shimtool.configs.libvirt.domain import parse
from shimtool.model import Mode, Plan
from tests.configs.libvirt.comparing import same, told
from tests.configs.libvirt.driver import ask
from tests.configs.libvirt.support import DATA, GOOD, make_host, small
from tests.device_model.script_runner import SCRIPT
from tests.support.dom0 import Dom0
from tests.support.planning import planned, run_on

XEN = {Mode.HVM: "4.9.2", Mode.PVH: "4.17.7"}
PV_GRUB = ("pygrub", "neither-kernel-nor-bootloader", "pv-grub-as-kernel")


@pytest.fixture(scope="module")
def dom0(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    made = make_host(tmp_path_factory.mktemp("driver"))
    shutil.copy(SCRIPT, made.out)
    return made


def converted(path: Path, mode: Mode, dom0: Dom0) -> tuple[Plan, bytes]:
    run = run_on(dom0, GuestSettings(host_out=str(dom0.out), xen=XEN[mode]))
    outcome = planned(path, run)
    assert outcome.plan.mode is mode
    return outcome.plan, outcome.new_config


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_hvm(path: Path, dom0: Dom0, tmp_path: Path) -> None:
    plan, data = converted(path, Mode.HVM, dom0)
    old, new = told(_fit_for_pv(path.read_bytes()), tmp_path), told(data, tmp_path)
    assert (old["c_info"]["type"], new["c_info"]["type"]) == ("pv", "hvm")
    same(old, new, plan)
    info = new["b_info"]
    assert info["device_model"] == f"{dom0.out}/shimtool-dm"
    assert info["device_model_version"] == "qemu_xen"
    assert (info["acpi"], info["apic"], info["type.hvm"]["pae"]) == ("True", "True", "True")
    assert info["type.hvm"]["boot"] == "d"
    assert info["type.hvm"]["vga"] == {"kind": "none"}
    assert info["type.hvm"]["vnc"] == info["type.hvm"]["sdl"] == {"enable": "False"}
    for key in ("kernel", "ramdisk", "cmdline", "bootloader", "extra", "extra_hvm"):
        assert key not in info
    for key in ("serial", "serial_list", "soundhw", "usbdevice_list", "spice"):
        assert not info["type.hvm"].get(key)
    # libxl refuses a read-only disk that QEMU would have to emulate, unless it is a CD-ROM.
    told_of = {disk["vdev"]: disk for disk in new.get("disks", [])}
    assert len(told_of) == len(plan.guest.disks)
    for known in plan.guest.disks:
        early = known.vdev[:4] in ("xvda", "xvdb", "xvdc", "xvdd")
        assert bool(told_of[known.vdev].get("is_cdrom")) == (
            known.cdrom or (early and known.readonly)
        )


@pytest.mark.parametrize("case", PV_GRUB)
def test_pvh(case: str, dom0: Dom0, tmp_path: Path) -> None:
    path = DATA / f"{case}.xml"
    plan, data = converted(path, Mode.PVH, dom0)
    old, new = told(path.read_bytes(), tmp_path), told(data, tmp_path)
    assert (old["c_info"]["type"], new["c_info"]["type"]) == ("pv", "pvh")
    same(old, new, plan)
    shim, *own, _config = plan.files
    named = f"{dom0.out}/{own[0]}" if own else "/boot/grub-x86_64-xen.bin"
    assert new["b_info"]["kernel"] == f"{dom0.out}/{shim}"
    assert new["b_info"]["ramdisk"] == named
    assert new["b_info"]["cmdline"] == plan.image.shim_args
    assert "bootloader" not in new["b_info"]


def test_the_driver_takes_the_pv_guest_as_the_reader_does(tmp_path: Path) -> None:
    for path in GOOD:
        data = path.read_bytes()
        guest = parse(data, path).guest()
        seen = told(_fit_for_pv(data), tmp_path)
        info = seen["b_info"]
        assert seen["c_info"]["name"] == guest.name
        assert (info["target_memkb"] >> 10, info["max_memkb"] >> 10) == (
            guest.memory,
            guest.maxmem,
        )
        assert (len(info["avail_vcpus"]), info["max_vcpus"]) == (guest.vcpus, guest.maxvcpus)
        paths = {disk["vdev"]: disk.get("pdev_path", "") for disk in seen.get("disks", [])}
        in_the_network = {"xvdf": "rbd:pool/image:auth_supported=none:mon_host=mon1\\:6789"}
        assert paths == {disk.vdev: disk.target for disk in guest.disks} | {
            vdev: path for vdev, path in in_the_network.items() if vdev in paths
        }
        assert len(seen.get("nics", [])) == len(guest.vifs)
        boot = info["type.pv"]
        assert boot.get("bootloader") == (
            guest.boot.program.text if guest.boot.kind == "bootloader" else None
        )
        if guest.boot.kind in ("kernel", "pvgrub"):
            assert boot.get("kernel") == guest.boot.kernel.text
            assert boot.get("ramdisk") == (guest.boot.ramdisk.text if guest.boot.ramdisk else None)
            assert boot.get("cmdline") == (guest.cmdline.text if guest.cmdline else None)


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ("<input type='mouse' bus='xen'/>", "unsupported input bus xen"),
        ("<emulator>/nonexistent</emulator>", "emulator '/nonexistent' not found"),
    ],
)
def test_the_driver_can_refuse(inside: str, why: str, tmp_path: Path) -> None:
    """What the edits avoid is what this driver refuses."""
    file = tmp_path / "a.xml"
    file.write_text(small(devices=inside).replace("linux<", "hvm<"))
    assert ask(file) == {"refused": f"internal error: {why}"} or why in ask(file)["refused"]


def _fit_for_pv(data: bytes) -> bytes:
    """Leave out what libvirt 9 refuses of PV guests, and took when it was written."""
    return data.replace(b"<model type='rtl8139'/>", b"").replace(b'<model type = "e1000" />', b"")
