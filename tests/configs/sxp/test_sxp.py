"""What xend kept of guests, into xl's syntax: golden pairs, and what is refused."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shimtool.configs.parse import parse
from shimtool.configs.sxp import is_domain, translate
from shimtool.configs.xl.syntax import parse as parse_xl
from shimtool.errors import ShimtoolError
from shimtool.model import BootloaderBoot, KernelBoot
from tests.configs.sxp.support import DATA, FIXTURES
from tests.configs.xl.support import tree
from tests.support import libxlu

HERE = Path("guest.sxp")
WORDS = (
    b"(domain (name x) (device (vbd (uname phy:/a) (dev xvda))))", b"(", b")", b"(domain", b"(vm ",
    b"'", b'"', b"\\", b" ", b"\n", b"#", b"(name a)", b"(image (linux (kernel /k)))", b"\xff",
    b"(device (vif (mac a)))", b"(device)", b"(cpus ((1)))", b"(cpus 1-2)", b"(vcpus 4)", b"\r\n",
    b"(vcpu_avail 1)", b"(bootloader /p)", b"(bootloader_args -q x)", b"#shimtool# ---- added",
)  # fmt: skip


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_golden(path: Path, golden: Callable[[Path, bytes], None]) -> None:
    data = path.read_bytes()
    done = translate(data, Path(path.name))
    golden(DATA / "translated" / f"{path.stem}.cfg", done)
    document = parse_xl(done, HERE)
    with libxlu.reading(done) as theirs:
        assert theirs.accepted, theirs.complaints
        for key in document.keys():  # noqa: SIM118 - no mapping
            value = document.value(key)
            assert value is not None
            assert theirs.value(key) == tree(value)
    assert done.count(b"\n") == data.removesuffix(b"\n").count(b"\n") + 1
    assert not is_domain(done)
    assert not parse(data, HERE).ours


def test_a_guest_of_pygrub() -> None:
    guest = parse((DATA / "pygrub-running.sxp").read_bytes(), HERE).guest()
    assert isinstance(guest.boot, BootloaderBoot)
    assert (guest.name, guest.memory, guest.maxmem, guest.vcpus) == ("pv7", 1024, 2048, 4)
    assert [disk.vdev for disk in guest.disks] == ["xvda", "xvdd", "xvdb", "xvdc"]
    assert {disk.line for disk in guest.disks} == {40}


def test_a_guest_with_its_kernel_in_dom0() -> None:
    guest = parse((DATA / "kernel-on-one-line.sxp").read_bytes(), HERE).guest()
    assert isinstance(guest.boot, KernelBoot)
    assert (guest.name, guest.vcpus, guest.maxvcpus) == ('a "b" c', 2, 4)
    assert guest.cmdline is not None
    assert guest.cmdline.text == "root=/dev/xvda1 ro ip=192.0.2.5:::::eth0:off quiet it's"


@pytest.mark.parametrize(
    ("data", "says", "line"),
    [
        (b"(domain (name x)", "ends inside this list", 1),
        (b"(domain\n (name 'x)\n)", "breaks off here", 2),
        (b"(domain (name x)) )", "breaks off here", 1),
        (b"(domain (name x))\n(domain (name y))", "2 guests", 2),
        (b"(domain (name x)\n (device (vscsi (feature-host 0))))", "xl cannot give", 2),
        (b"(domain (name x)\n (device))", "xl cannot give", 2),
        (b"(domain " + b"(" * 100_000, "too deep", 1),
    ],
)
def test_refused(data: bytes, says: str, line: int) -> None:
    with pytest.raises(ShimtoolError, match=says) as caught:
        parse(data, HERE)
    (fault,) = caught.value.faults
    assert str(fault.where) == f"guest.sxp:{line}"
    assert fault.remedy


def test_a_guest_of_hvm_is_known_as_one() -> None:
    data = b"(domain (name h) (image (hvm (kernel) (loader /usr/lib/xen/boot/hvmloader))))"
    assert parse(data, HERE).guest().type == "hvm"


@pytest.mark.parametrize("piece", [b"(a)", b"x ", b"(device (vif))", b"'a' ", b"(cpus ((1)))"])
def test_long_files_take_no_long_time(piece: bytes) -> None:
    data = b"(domain (name x) " + piece * (300_000 // len(piece)) + b")"
    started = time.process_time()
    assert b"name = " in translate(data, HERE)
    assert time.process_time() - started < 20


def test_hardware_is_seen() -> None:
    data = b"(domain (name h) (device (pci (dev (slot 0x0)))) (device (irq (irq 5))))"
    assert {"pci", "irqs"} <= parse(data, HERE).guest().non_empty_keys


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(b"".join))
def test_jumbled_sxp(data: bytes) -> None:
    try:
        done = translate(b"(domain " + data, HERE)
    except ShimtoolError as error:
        assert all(fault.message and fault.where for fault in error.faults)
    else:
        with libxlu.reading(done) as theirs:
            assert theirs.accepted, (done, theirs.complaints)


def test_disks_named_by_their_device() -> None:
    """Xend took both sda1 and /dev/sda1."""
    data = b"(vm (name g) (device (vbd (uname phy:/dev/a) (dev /dev/sda1:disk) (mode w))))"
    assert [disk.vdev for disk in parse(data, HERE).guest().disks] == ["sda1"]
