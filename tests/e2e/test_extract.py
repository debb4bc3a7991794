"""What pygrub would take out of a guest's disk, taken at conversion: boots without PV GRUB."""

import pytest

from tests.e2e import grubs, layouts
from tests.e2e.environment import Environment
from tests.support import debs

pytestmark = pytest.mark.e2e


@pytest.mark.e2e_ci("pvh")
def test_extract(environment: Environment) -> None:
    layout = layouts.MBR
    environment.files.root_tree()
    environment.files.tree(
        "root",
        {
            "boot/vmlinuz": debs.kernel().read_bytes(),
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
        "--extract",
    )
    with environment.boot("auto", config) as guest:
        (facts,) = guest.starts()
    given = f"root=/dev/xvda1 ro {grubs.LINE} from=disk root=/dev/xvda1 ro from=config"
    assert facts.command_line() == given.encode()
    assert facts.one("root") == "/dev/xvda1 ro this is root"
    assert facts.one("token") == environment.files.token(root=True)
