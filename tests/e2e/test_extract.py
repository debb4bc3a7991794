"""What pygrub would take out of a guest's disk, taken at conversion: boots without PV GRUB."""

import pytest

from shimtool.model import Compression
from tests.e2e import grubs, layouts
from tests.e2e.environment import Environment
from tests.support import debs
from tests.support.kernel_builder import packed_vmlinux, rewrapped

pytestmark = pytest.mark.e2e


@pytest.mark.e2e_ci("pvh")
def test_extract(environment: Environment) -> None:
    boot(environment, debs.kernel().read_bytes(), "--extract")


@pytest.mark.modes("hvm")
def test_extracted_as_pv_grub_cannot_unpack_it(environment: Environment) -> None:
    """Nothing asks for it but the kernel's packing: zstd, as Fedora's and Debian 13's."""
    kernel = rewrapped(packed_vmlinux(Compression.ZSTD)[1])
    boot(environment, kernel)


def boot(environment: Environment, kernel: bytes, *options: str) -> None:
    """Boot what is taken out of a guest's disk with this kernel."""
    layout = layouts.MBR
    environment.files.root_tree()
    environment.files.tree(
        "root",
        {
            "boot/vmlinuz": kernel,
            "boot/initrd.img": environment.files.ramdisk_bytes(),
            "boot/grub/grub.cfg": grubs.filled(grubs.SECOND_OF_TWO, layout),
        },
    )
    disk = environment.files.partitioned_disk("auto", "root")
    config = environment.convert(
        "auto",
        f"""
bootloader = "/usr/lib/xen-4.4/bin/pygrub"
name = "auto"
memory = 512
root = "/dev/xvda1 ro"
extra = "from=config"
disk = ["file:{disk},xvda,w"]
""",
        *options,
    )
    with environment.boot("auto", config) as guest:
        (facts,) = guest.starts()
    given = f"root=/dev/xvda1 ro {grubs.LINE} from=disk root=/dev/xvda1 ro from=config"
    assert facts.command_line() == given.encode()
    assert facts.one("root") == "/dev/xvda1 ro this is root"
    assert facts.one("token") == environment.files.token(root=True)
