"""PVH guests whose own boot loader stays: xl runs it at each start, on what the disk holds then."""

import gzip

import pytest

from tests.e2e import grubs, layouts
from tests.e2e.environment import Environment
from tests.support import debs
from tests.support import kernel_builder as build

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


def upgraded_kernel(release: str) -> bytes:
    """Return Debian's kernel as one of another release, which `uname -r` shows."""
    old = debs.kernel().name.partition("-")[2].encode()
    new = release.encode().ljust(len(old), b"-")
    return build.rewrapped(gzip.compress(build.vmlinux().replace(old, new), 1))


@pytest.mark.e2e_ci("pvh")
def test_kernel_upgraded_inside_is_followed(environment: Environment) -> None:
    """By menu.lst, on a partition vdev as xen-tools has it; the guest reboots by itself."""
    layout, files = layouts.PARTITION_VDEV, environment.files
    menu = grubs.filled(grubs.LEGACY, layout, line="console=hvc0 e2e=upgrade")
    menu = menu.replace(" ro ", " rw ")
    files.root_tree()
    old = {"vmlinuz": debs.kernel().read_bytes(), "initrd.img": files.ramdisk_bytes()}
    files.tree("root", {f"boot/{name}": data for name, data in old.items()})
    files.tree("root", {"boot/grub/menu.lst": menu})
    new = menu.replace("boot/vmlinuz root", "boot/vmlinuz-new root").replace("e2e=", "new e2e=")
    files.tree("root", {"upgrade/grub/menu.lst": new})
    files.tree("root", {"upgrade/vmlinuz-new": upgraded_kernel("6.1.new")})
    config = environment.convert(
        "upgraded",
        f"""
bootloader = "pygrub"
name = "upgraded"
memory = 512
{layout.disk_key()}
on_reboot = "restart"
""",
    )
    with environment.boot("upgraded", config, layout.prepare, start=2) as guest:
        first, second = guest.starts()
    root = "root=/dev/xvda2 rw console=hvc0"
    assert first.one("cmdline") == f"{root} e2e=upgrade"
    assert second.one("cmdline") == f"{root} new e2e=upgrade"
    assert second.one("kernel").startswith("6.1.new-")
    assert second.one("kernel") != first.one("kernel")
    assert second.one("token") == files.token(root=True)
