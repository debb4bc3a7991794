"""What `scan` and `plan` say will differ for a guest, by how it boots and what its config asks."""

import json
from pathlib import Path

import pytest

from tests.support import debs, disks
from tests.support.dom0 import EMPTY_CPIO, Dom0
from tests.support.kernel_builder import small_kernel

PYGRUB = (
    "name = 'mail'\nbootloader = 'pygrub'\nmemory = 1024\ndisk = ['phy:/dev/vg0/mail,xvda,w']\n"
)
PVH = ("--xen", "4.17.7")


def short(dom0: Dom0, config: Path, *words: str | Path) -> list[str]:
    (guest,) = json.loads(dom0.run("scan", "--json", *words, config).out)
    assert guest["convertible"], guest
    return [each["short"] for each in guest["differs"]]


@pytest.mark.parametrize(
    ("more", "words", "expected"),
    [
        ("", (), ["memory +27 MB", "kernel on ISO"]),
        ("", PVH, ["memory +27 MB"]),
        ("", (*PVH, "--memory", "keep"), ["guest -25 MB"]),
        ("vcpus = 2\n", PVH, ["memory +27 MB", "migrates with 1 vCPU"]),
        (
            "vcpus = 40\nmaxvcpus = 50\n",
            PVH,
            ["memory +27 MB", "maxvcpus fixed", "migrates with 1 vCPU", "32 vCPUs"],
        ),
        ("maxmem = 1024\n", PVH, ["memory +27 MB", "maxmem fixed"]),
        ("maxmem = 512\n", PVH, ["memory +27 MB"]),
        (
            "vfb = ['vnc=1']\nvnuma = [['pnode=0','size=512','vcpus=0','vdistance=10']]\n",
            PVH,
            ["memory +27 MB", "no vnuma", "no vfb"],
        ),
        ("vfb = []\n", PVH, ["memory +27 MB"]),
    ],
)
def test_what_the_config_asks(
    dom0: Dom0, more: str, words: tuple[str, ...], expected: list[str]
) -> None:
    assert short(dom0, dom0.guest(more=more), *words) == expected


def test_what_finds_the_kernel(dom0: Dom0, tmp_path: Path) -> None:
    config = dom0.config("mail.cfg", PYGRUB)
    menu = disks.grub_cfg(("Debian", "/boot/vmlinuz", "root=/dev/xvda ro", "/boot/initrd.img"))
    files = {"/boot/grub/grub.cfg": menu, "/boot/vmlinuz": small_kernel()}
    disk = disks.ext(tmp_path / "disk.img", {**files, "/boot/initrd.img": EMPTY_CPIO})
    here = ("--map", f"/dev/vg0/mail={disk}")
    assert short(dom0, config, *PVH) == ["memory +33 MB"], "pygrub stays"
    assert short(dom0, config, *here) == ["memory +33 MB", "PV GRUB"]
    assert short(dom0, config, "--extract", *here) == ["memory +33 MB", "frozen kernel"]


def test_a_guest_whose_memory_is_moved_is_told_so(debian_dom0: Dom0) -> None:
    """Where that was seen to work; elsewhere memory= is raised."""
    config = debian_dom0.guest(more="memory = 256\n")
    seen = ("--xen", "4.17.7", "--mode", "hvm")
    (guest,) = json.loads(debian_dom0.run("plan", "--json", *seen, config).out)
    more = guest["memory"]["after"] - 256
    expected = [f"memory +{more} MB", "small pages", "kernel on ISO"]
    assert short(debian_dom0, config, *seen) == expected
    assert guest["memory"]["guest"] in range(256, 260)
    assert not any(each["code"] == "memory" for each in guest["warnings"])
    for words in ((), ("--xen", "4.9.4")):
        raised, iso = short(debian_dom0, config, *words)
        assert int(raised.split()[1]) > more
        assert iso == "kernel on ISO"


def test_a_guest_raised_to_what_its_kernel_needs_is_told_so(debian_dom0: Dom0) -> None:
    config = debian_dom0.guest(more="memory = 256\n")
    (guest,) = json.loads(debian_dom0.run("plan", "--json", *PVH, config).out)
    sizes, (first, upgrade) = guest["memory"], guest["differs"]
    assert sizes["after"] == sizes["needed"] > sizes["guest"] > sizes["before"] == 256
    assert first["short"] == f"memory +{sizes['after'] - 256} MB"
    assert upgrade["short"] == "memory for this kernel"
    assert {"key": "memory", "value": sizes["after"]} in guest["changes"]
    assert [each["message"] for each in guest["warnings"]] == [first["message"], upgrade["message"]]
    assert [each["code"] for each in guest["warnings"]] == ["memory", "kernel-upgrade"]


def test_a_guest_that_has_the_share_is_not_called_raised(debian_dom0: Dom0) -> None:
    """Though its container has the very number of MiB that its kernel needs."""
    config = debian_dom0.guest(more="memory = 256\n")
    (guest,) = json.loads(debian_dom0.run("plan", "--json", *PVH, config).out)
    needed = guest["memory"]["needed"]
    enough = debian_dom0.guest(more=f"memory = {needed - 25}\n")
    (guest,) = json.loads(debian_dom0.run("plan", "--json", *PVH, enough).out)
    assert guest["memory"]["after"] == guest["memory"]["needed"] == needed
    assert guest["warnings"] == []


def test_a_guest_that_does_not_start_is_said_to_be_too_small(debian_dom0: Dom0) -> None:
    config = debian_dom0.guest(more="memory = 256\n")
    assert short(debian_dom0, config, *PVH, "--memory", "keep") == ["too small", "guest -23 MB"]


def test_memory_moved_where_that_was_not_tried_is_warned_of(debian_dom0: Dom0) -> None:
    """With --memory keep, as the guest would not start otherwise."""
    config = debian_dom0.guest(more="memory = 300\n")
    for xen, warns in (("4.9.4", True), ("4.17.7", False)):
        words = ("--xen", xen, "--mode", "hvm", "--memory", "keep")
        (guest,) = json.loads(debian_dom0.run("plan", "--json", *words, config).out)
        (moved,) = [each for each in guest["differs"] if each["short"] == "small pages"]
        assert ("was not tried on this Xen" in moved["message"]) == warns
        told = [each["message"] for each in guest["warnings"]]
        assert (moved["message"] in told) == warns


def test_an_unknown_kernels_need_can_be_asked_for(debian_dom0: Dom0, tmp_path: Path) -> None:
    """Of a kernel that pygrub finds at each start: by --extract, as the warning says."""
    menu = disks.grub_cfg(("Debian", "/boot/vmlinuz", "root=/dev/xvda ro", "/boot/initrd.img"))
    files = {"/boot/grub/grub.cfg": menu, "/boot/vmlinuz": debs.kernel().read_bytes()}
    disk = disks.ext(tmp_path / "disk.img", {**files, "/boot/initrd.img": EMPTY_CPIO})
    config = debian_dom0.config("mail.cfg", PYGRUB.replace("1024", "256"))
    here = (*PVH, "--map", f"/dev/vg0/mail={disk}")
    (guest,) = json.loads(debian_dom0.run("plan", "--json", *here, config).out)
    assert [each["short"] for each in guest["differs"]] == ["may be too small", "memory +25 MB"]
    assert "shimtool plan --extract" in guest["warnings"][0]["message"]
    like = debian_dom0.guest(more="memory = 256\n")
    (by_name,) = json.loads(debian_dom0.run("plan", "--json", *PVH, like).out)
    (asked,) = json.loads(debian_dom0.run("plan", "--json", "--extract", *here, config).out)
    assert asked["memory"]["needed"] == by_name["memory"]["needed"] > 281
