"""Guests out of configs."""

from dataclasses import replace
from pathlib import Path

import pytest

from shimtool.configs.xl.guest import read_guest
from shimtool.configs.xl.syntax import parse
from shimtool.errors import Fault, ShimtoolError
from shimtool.model import (
    BootloaderBoot,
    ConfigString,
    Disk,
    Guest,
    GuestType,
    KernelBoot,
    NoBoot,
    Vif,
)
from tests.configs.xl.support import DATA, HERE, opened


def guest(name: str) -> Guest:
    return read_guest(opened(DATA / f"{name}.cfg"))


def said(text: str) -> Guest:
    """Read a config that need not have a name and a kernel of its own."""
    return read_guest(parse(f"name='n'\nkernel='/k'\n{text}\n".encode(), HERE))


def faults(text: str) -> list[Fault]:
    with pytest.raises(ShimtoolError) as caught:
        read_guest(parse(text.encode(), HERE))
    return list(caught.value.faults)


def test_xen_tools() -> None:
    assert guest("xen-tools-pv") == Guest(
        name="web1",
        config=DATA / "xen-tools-pv.cfg",
        type=GuestType.PV,
        boot=BootloaderBoot(ConfigString("/usr/lib/xen-4.4/bin/pygrub", 11)),
        memory=2048,
        maxmem=2048,
        vcpus=2,
        maxvcpus=2,
        root=ConfigString("/dev/xvda2 ro", 20),
        disks=(
            Disk("phy:/dev/vg0/web1-disk,xvda2,w", 22, "/dev/vg0/web1-disk", "xvda2"),
            Disk("phy:/dev/vg0/web1-swap,xvda1,w", 23, "/dev/vg0/web1-swap", "xvda1"),
        ),
        vifs=(Vif("mac=00:16:3E:5A:11:22", 41, (("mac", "00:16:3E:5A:11:22"),)),),
        keys={
            "bootloader": 11,
            "vcpus": 13,
            "memory": 14,
            "root": 20,
            "disk": 21,
            "name": 35,
            "dhcp": 40,
            "vif": 41,
            "on_poweroff": 46,
            "on_reboot": 47,
            "on_crash": 48,
        },
        non_empty_keys=frozenset(
            {"bootloader", "vcpus", "memory", "root", "disk", "name", "dhcp", "vif"}
            | {"on_poweroff", "on_reboot", "on_crash"}
        ),
    )


@pytest.mark.parametrize("value", ["''", "[]", "[ ]", '""'])
def test_an_empty_value_is_set_but_not_filled(value: str) -> None:
    found = said(f"extra = 'x'; pci = ['a']\nvfb = {value}\n")
    assert found.keys["vfb"] == 4
    assert found.non_empty_keys == {"name", "kernel", "extra", "pci"}


def test_kernel_and_ramdisk() -> None:
    found = guest("kernel-and-ramdisk-in-dom0")
    assert found.boot == KernelBoot(
        ConfigString("/boot/vmlinuz-3.16.0-4-amd64", 1),
        ConfigString("/boot/initrd.img-3.16.0-4-amd64", 2),
    )
    assert found.extra == ConfigString('console=hvc0 dyndbg="file drivers/a.c +p"', 3)
    assert (found.memory, found.maxmem, found.vcpus, found.maxvcpus) == (512, 1024, 2, 4)
    assert found.vifs[0].options == (
        ("mac", "00:16:3e:01:02:03"),
        ("bridge", "xenbr0"),
        ("vifname", "db1"),
    )


def test_defaults() -> None:
    found = said("")
    assert (found.memory, found.maxmem, found.vcpus, found.maxvcpus) == (32, 32, 1, 1)
    assert (found.root, found.extra, found.cmdline, found.disks, found.vifs) == (
        *[None] * 3,
        (),
        (),
    )


def test_maxmem_alone_is_all_memory() -> None:
    assert said("maxmem=64").memory == 64


def test_numbers_as_xl_reads_them() -> None:
    found = guest("number-octal-and-hexadecimal")
    assert (found.memory, found.maxmem, found.vcpus) == (64, 256, 2)


def test_last_assignment_counts() -> None:
    found = guest("keys-set-twice")
    assert (found.name, found.memory) == ("second", 128)
    assert found.boot == KernelBoot(ConfigString("/b", 5))
    assert found.keys == {"name": 4, "memory": 6, "kernel": 5}


def test_added_values() -> None:
    found = guest("add-to-string-and-list")
    assert found.extra == ConfigString("a b c", 5)
    assert [(disk.vdev, disk.line) for disk in found.disks] == [("xvda1", 6), ("xvda2", 7)]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/boot/vmlinuz-6.1-xen", "kernel"),
        ("/usr/lib/grub-xen/grub-x86_64-xen.bin", "pvgrub"),
        ("/usr/lib/grub-xen/grub-i386-xen.bin", "pvgrub"),
        ("/usr/lib/grub-xen/grub-i386-xen_pvh.bin", "kernel"),
        ("/usr/lib/xen/boot/pv-grub-x86_64.gz", "pvgrub"),
        ("/usr/lib/xen/boot/pvgrub64.bin", "pvgrub"),
        ("/srv/pvgrub/vmlinuz", "kernel"),
    ],
)
def test_kind_of_kernel(path: str, kind: str) -> None:
    assert said(f"kernel='{path}'").boot.kind == kind


def test_bootloader_wins_over_kernel() -> None:
    """It is handed to the boot loader, as a path inside the guest's disk."""
    boot = guest("both-kernel-and-bootloader").boot
    arguments = ("--kernel=/boot/a", "--ramdisk=/boot/b")
    assert boot == BootloaderBoot(
        ConfigString("pygrub", 3), arguments, kernel=ConfigString("/boot/k", 2), ramdisk=None
    )


def test_bootloader_arguments_in_a_list_keep_blanks() -> None:
    boot = guest("bootloader-arguments-in-a-list").boot
    assert isinstance(boot, BootloaderBoot)
    assert boot.arguments == ("--kernel=/boot/a b", "-q")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "neither"),
        ("kernel=''", "empty"),
        ("bootloader='';kernel='/k'", "empty"),
        ("firmware='pvgrub64'", "pvgrub64"),
        ("builder='hvm'", "HVM"),
        ("builder='hvm';bootloader='pygrub'", "HVM"),
    ],
)
def test_nothing_to_boot(text: str, reason: str) -> None:
    boot = read_guest(parse(f"name='n'\n{text}\n".encode(), HERE)).boot
    assert isinstance(boot, NoBoot)
    assert reason in boot.reason


def test_empty_ramdisk_is_none() -> None:
    assert said("ramdisk=''").boot == KernelBoot(ConfigString("/k", 2))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "pv"),
        ("type='pv'", "pv"),
        ("type='pvh'", "pvh"),
        ("type='hvm'", "hvm"),
        ("type='h'", "hvm"),
        ("builder='hvm'", "hvm"),
        ("builder='generic'", "pv"),
        ("builder='linux'", "pv"),
        ("builder='hvm';type='hvm'", "hvm"),
        ("pvh=1", "pv"),
        ("pvh='0'", "pv"),
        ("pvh=1;type='pv'", "pv"),
        ("type='lxc'", "refused"),
        ("type='pvhx'", "refused"),
        ("builder='pv'", "pv"),
        ("builder='xen'", "pv"),
        ("builder='hv'", "hvm"),
        ("builder='pv';type='hvm'", "refused"),
        ("builder='generic';type='pvh'", "refused"),
        ("type=['hvm']", "pv"),
        ("builder=['hvm']", "pv"),
        ("pvh='yes'", "pv"),
    ],
)
def test_type(text: str, kind: str) -> None:
    document = parse(f"name='n'\nkernel='/k'\n{text}\n".encode(), HERE)
    if kind == "refused":
        with pytest.raises(ShimtoolError):
            read_guest(document)
    else:
        assert read_guest(document).type == kind


@pytest.mark.parametrize(
    "name", ["web-1.example.org", "Gast mit Leerzeichen", "müller", "a" * 200, "..."]
)
def test_good_name(name: str) -> None:
    assert said(f"name='{name}'").name == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/", "-rf", "a\\nb", "a\tb", "a\x7fb", "a" * 201, "ü" * 101]
)
def test_bad_name(name: str) -> None:
    (fault,) = faults(f"# here\nname='{name}'\nkernel='/k'\n")
    assert str(fault.where) == "guest.cfg:2"
    assert fault.remedy


def test_name_that_is_not_utf_8() -> None:
    with pytest.raises(ShimtoolError, match="UTF-8"):
        guest("not-utf-8-in-name")


def test_no_name() -> None:
    (fault,) = faults("kernel='/k'")
    assert (fault.message, fault.remedy) == ("the guest has no name", "set name=")


def test_everything_wrong_is_told_at_once() -> None:
    with pytest.raises(ShimtoolError) as caught:
        guest("everything-is-wrong")
    lines = [fault.where.line for fault in caught.value.faults if fault.where]
    assert lines == [1, 2, 3, 5, 5, 6]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("list-for-single-value", [1, 2, 3]),
        ("list-inside-disk-list", [3]),
        ("disk-without-format", [3, 3]),
        ("disk-unknown-prefix", [3]),
        ("disk-on-strange-vdev", [3, 3]),
        ("number-huge", [3]),
        ("number-zero-or-less", [3, 4]),
        ("number-with-letters", [3]),
        ("add-to-number", [4]),
        ("type-contradicts-builder", [3]),
        ("type-unknown", [2]),
        ("vcpus-above-maxvcpus", [4]),
        ("name-is-a-path", [1]),
        ("name-with-newline", [1]),
    ],
)
def test_faults_name_their_lines(name: str, lines: list[int]) -> None:
    with pytest.raises(ShimtoolError) as caught:
        guest(name)
    assert [fault.where.line for fault in caught.value.faults if fault.where] == lines
    assert {fault.where.path for fault in caught.value.faults if fault.where} == {
        Path(DATA / f"{name}.cfg")
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("vif=''", "is no list"),
        ("disk='phy:/a,xvda1,w'", "is no list"),
        ("pci='01:00.0'", "is no list"),
        ("vcpus=''", "is no number"),
        ("vcpus='two'", "is no number"),
        ("vcpus=['2']", "is a list"),
        ("maxmem='1G'", "is no number"),
        ("driver_domain='yes'", "is no number"),
        ("bootloader=['pygrub']", "is a list"),
        ("ramdisk=[]", "is a list"),
        ("extra=['a']", "is a list"),
    ],
)
def test_xl_goes_on_without_values_of_another_kind(text: str, why: str) -> None:
    found = said(text)
    key = text.partition("=")[0]
    assert found.overlooked == {key: why}
    assert key in found.keys  # so that it is retired where it would be
    plain = replace(said(""), keys=found.keys, overlooked=found.overlooked)
    assert found == plain


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("uuid='0004fb00000600007c522c7d71072a52'", "UUID"),
        ("uuid=''", "UUID"),
        ("on_crash='Restart'", "on_crash"),
        ("on_poweroff=''", "on_poweroff"),
        ("vif=['rate=10']", "rate"),
        ("vif=['bridge=b', 'rate=0x5MB/s']", "rate"),
        ("vif=['mtu=large']", "mtu"),
    ],
)
def test_values_at_which_xl_ends(text: str, says: str) -> None:
    with pytest.raises(ShimtoolError, match=says) as caught:
        said(text)
    assert all(fault.remedy for fault in caught.value.faults)
