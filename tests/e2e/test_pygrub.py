"""PVH guests whose own boot loader stays: xl runs it at each start, on what the disk holds then."""

import pytest

from tests.e2e import grubs, layouts
from tests.e2e.environment import Environment
from tests.support import debs

pytestmark = [pytest.mark.e2e, pytest.mark.modes("pvh")]


@pytest.mark.e2e_ci("pvh")
def test_pygrub_stays(environment: Environment) -> None:
    """With everything that a config can tell it."""
    layout = layouts.MBR
    menu = grubs.filled(grubs.SECOND_OF_TWO, layout).replace('default="1"', 'default="0"')
    environment.files.root_tree()
    environment.files.tree(
        "root",
        {
            "boot/vmlinuz": debs.kernel().read_bytes(),
            "boot/initrd.img": environment.files.ramdisk_bytes(),
            "boot/grub/grub.cfg": menu,
        },
    )
    disk = environment.files.partitioned_disk("auto", "root")
    config = environment.convert(
        "auto",
        f"""
bootloader = "pygrub"
bootloader_args = ["--entry=1"]
name = "auto"
memory = 512
root = "/dev/xvda1 ro"
extra = " from=config  twice"
disk = ["file:{disk},xvda,w"]
""",
    )
    with environment.boot("auto", config) as guest:
        (facts,) = guest.starts()
    from_disk = f"root=/dev/xvda1 ro {grubs.LINE} from=disk"
    assert facts.one("cmdline") == f"{from_disk} root=/dev/xvda1 ro  from=config  twice"
    assert facts.one("root") == "/dev/xvda1 ro this is root"
    assert facts.one("token") == environment.files.token(root=True)
