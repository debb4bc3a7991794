"""What is read out of a domain's XML."""

import pytest

from shimtool.configs.libvirt.domain import parse
from shimtool.configs.libvirt.units import bytes_of
from shimtool.errors import ShimtoolError
from shimtool.model import BootloaderBoot, ConfigString, GuestType, KernelBoot, Syntax
from tests.configs.libvirt.support import DATA, HERE, domain, small


def test_a_whole_guest() -> None:
    guest = parse((DATA / "dumpxml-of-a-running-guest.xml").read_bytes(), HERE).guest()
    assert (guest.name, guest.type, guest.syntax) == ("db01", GuestType.PV, Syntax.LIBVIRT)
    assert (guest.memory, guest.maxmem, guest.vcpus, guest.maxvcpus) == (2048, 2048, 1, 1)
    boot = KernelBoot(
        ConfigString("/boot/vmlinuz-guest", 9), ConfigString("/boot/initrd-guest", 10)
    )
    assert guest.boot == boot
    assert guest.cmdline == ConfigString("root=/dev/xvda2 ro elevator=noop", 11)
    assert [(disk.vdev, disk.target, disk.line) for disk in guest.disks] == [
        ("xvda2", "/dev/vg0/db01-disk", 18),
        ("xvda1", "/dev/vg0/db01-swap", 24),
    ]
    assert guest.vifs[1].options == (
        ("mac", "00:16:3e:5e:00:03"),
        ("bridge", "xenbr1"),
        ("model", "netfront"),
    )
    assert guest.keys["kernel"] == 9
    assert guest.keys["vif"] == 33
    assert guest.new_config == "db01.xml"


def test_disks() -> None:
    guest = parse((DATA / "many-disks.xml").read_bytes(), HERE).guest()
    assert [(d.vdev, d.target, d.format, d.readonly, d.cdrom) for d in guest.disks] == [
        ("xvda1", "/dev/vg0/root", "raw", False, False),
        ("xvdb", "/srv/data.qcow2", "qcow2", True, False),
        ("xvdc", "/srv/aio.img", "raw", True, False),
        ("xvdd", "/dev/sr0", "raw", True, True),
        ("xvde", "/srv/fifth.img", "raw", True, False),
        ("sda1", "/dev/vg0/scsi", "raw", False, False),
        ("xvdf", "", "raw", False, False),
    ]


def test_sizes() -> None:
    guest = parse((DATA / "room-to-grow.xml").read_bytes(), HERE).guest()
    assert (guest.memory, guest.maxmem) == (1206, 4096)
    assert (guest.vcpus, guest.maxvcpus) == (2, 4)


@pytest.mark.parametrize(
    ("number", "unit", "size"),
    [
        (3, "", 3 << 10), (3, "b", 3), (3, "bytes", 3), (3, "k", 3 << 10), (3, "KiB", 3 << 10),
        (3, "KB", 3000), (3, "MiB", 3 << 20), (3, "M", 3 << 20), (3, "MB", 3 * 10**6),
        (3, "g", 3 << 30), (3, "GiB", 3 << 30), (3, "TiB", 3 << 40), (3, "PB", 3 * 10**15),
        (3, "EiB", 3 << 60), (3, "kib", 3 << 10), (3, "KiBs", None), (3, "x", None),
        (3, "ib", None), (3, " ", None), (3, "kk", None),
    ],
)  # fmt: skip
def test_units(number: int, unit: str, size: int | None) -> None:
    assert bytes_of(number, unit) == size


def test_pygrub_by_default_and_by_name() -> None:
    silent = parse((DATA / "neither-kernel-nor-bootloader.xml").read_bytes(), HERE).guest()
    assert silent.boot == BootloaderBoot(ConfigString("pygrub", 4))
    named = parse((DATA / "sles11-xend.xml").read_bytes(), HERE).guest()
    assert named.boot == BootloaderBoot(ConfigString("/usr/bin/pygrub", 8), ("-q",))


def test_what_pygrub_left_is_not_the_guests() -> None:
    guest = parse((DATA / "rhel5-running-under-xend.xml").read_bytes(), HERE).guest()
    assert guest.boot == BootloaderBoot(ConfigString("/usr/bin/pygrub", 7))
    assert guest.cmdline is None
    assert not guest.non_empty_keys & {"kernel", "ramdisk", "cmdline"}


def test_a_kernel_beside_a_boot_loader_is_for_it() -> None:
    text = small(
        "<bootloader>pygrub</bootloader><bootloader_args>-q  --entry=1\n</bootloader_args>"
    )
    guest = domain(text.replace("/boot/k<", "/boot/k<!-- -->ernel<")).guest()
    assert guest.boot == BootloaderBoot(
        ConfigString("pygrub", 5), ("-q", "--entry=1"), kernel=ConfigString("/boot/kernel", 4)
    )


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("<type>linux", "<type>xen", GuestType.PV),
        ("<type>linux", "<type>hvm", GuestType.HVM),
        ("<type>linux", "<type machine='xenpvh'>xenpvh", GuestType.PVH),
        ("type='xen'", "type='kvm'", GuestType.UNKNOWN),
        ("type='xen'", "", GuestType.UNKNOWN),
    ],
)
def test_types(old: str, new: str, kind: GuestType) -> None:
    assert domain(small().replace(old, new)).guest().type is kind


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (small().replace("524288", "0"), [3]),
        (small().replace("524288", "1" * 30), [3]),
        (small().replace("524288", "\u0661"), [3]),
        (small("<vcpu>0</vcpu>"), [5]),
        (small("<vcpu>-1</vcpu>"), [5]),
        (small("<vcpu current='x'>1</vcpu>"), [5]),
        (small(devices="\n<disk><target dev='vda'/></disk>\n<disk/>"), [7, 8]),
        (small().replace("<name>n<", "<name>-n<"), [2]),
        (small().replace("<name>n<", "<name>\n<"), [2]),
        (small().replace("<name>n<", "<name>..<"), [2]),
        (small().replace("<name>n<", f"<name>{'n' * 201}<"), [2]),
        (small().replace("<type>linux</type>", ""), [4]),
    ],
)
def test_faults_have_lines(text: str, lines: list[int]) -> None:
    with pytest.raises(ShimtoolError) as raised:
        domain(text).guest()
    assert [fault.where.line for fault in raised.value.faults if fault.where] == lines
    assert all(fault.remedy for fault in raised.value.faults)
