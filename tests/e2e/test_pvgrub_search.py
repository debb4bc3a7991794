"""PV GRUB looks through every disk, and starts kernels of its own width, 32-bit ones too.

Many layouts in one boot: a config without an entry to boot is passed over, so each prints a
challenge of its own disk, and the last one starts the second kernel.
"""

import re
import secrets

import pytest

from tests.e2e import layouts
from tests.e2e import token_kernel as second
from tests.e2e.environment import Environment

pytestmark = pytest.mark.e2e

# Trees and the folder of grub.cfg in each, in the order in which PV GRUB comes across them: LVM,
# with the tree `last`, comes after all disks.
FOLDERS = {
    "gpt": "boot/grub",
    "whole": "boot/grub2",
    "xfs": "grub2",
    "btrfs": "boot/grub",
    "bare": "grub",
}
VDEVS = ("xvda", "xvdb", "xvdc", "xvdd", "xvde", "xvdf2")
SCRIPT = r"""
disk 0 gpt ',1M,21686148-6449-6E6F-744E-656564454649\n,,L'
put /dev/loop0p2 ext4 gpt
disk 1
put /dev/loop1 ext2 whole
disk 2 dos ',,L'
put /dev/loop2p1 xfs xfs
disk 3 dos ',,L'
UUID=$(cat /proc/sys/kernel/random/uuid) # mkfs.btrfs wants its own
put /dev/loop3p1 btrfs btrfs
disk 4 dos ',,8e'
volume guest /dev/loop4p1
put /dev/guest/root ext4 last
vgchange -q $udevless -an guest
disk 5
put /dev/loop5 ext3 bare
"""


def search(environment: Environment, width: str) -> None:
    """Boot by PV GRUB of this width; every disk's challenge and the second kernel's token tell."""
    challenges = {name: secrets.token_hex(16) for name in FOLDERS}
    for name, folder in FOLDERS.items():
        environment.files.tree(
            name,
            {
                f"{folder}/grub.cfg": "cat $prefix/facts\n",
                f"{folder}/facts": f"E2E found {name} {challenges[name]}\n",
            },
        )
    entry = f"title {width}\nroot (hd5)\nkernel /boot/second x=y\n"
    files = {"boot/grub/menu.lst": f"default 0\ntimeout 0\n{entry}"}
    environment.files.tree(
        "last", files | {"boot/second": second.kernel(width, environment.files.secret)}
    )
    layout = layouts.Layout(SCRIPT, VDEVS)
    config = environment.convert(
        "search",
        f"""
bootloader = "pygrub"
name = "search"
memory = 256
{layout.disk_key()}
""",
        *("--pvgrub", width),
    )
    with environment.boot("search", config, layout.prepare) as guest:
        console = guest.console()
        (facts,) = guest.starts()
    assert facts.one("cmdline") == f"second kernel, {width}"
    assert facts.one("token") == environment.files.secret
    assert re.findall(r"E2E found (\w+) (\w+)", console) == list(challenges.items())


@pytest.mark.e2e_ci("hvm")
def test_search_and_32_bit_kernel(environment: Environment) -> None:
    search(environment, "i386")


@pytest.mark.modes("pvh")
def test_search_and_64_bit_kernel(environment: Environment) -> None:
    search(environment, "x86_64")


@pytest.mark.modes("hvm")
def test_the_width_follows_the_kernel(environment: Environment) -> None:
    """Where the guest's disk is here at conversion; its words pass the 32-bit module, too."""
    entry = "title 32 bits\nroot (hd0,0)\nkernel /boot/second x=y\n"
    environment.files.tree(
        "root",
        {
            "boot/grub/menu.lst": f"default 0\ntimeout 0\n{entry}",
            "boot/second": second.kernel("i386", environment.files.secret),
        },
    )
    disk = environment.files.partitioned_disk("width", "root")
    config = environment.convert(
        "width",
        f"""
bootloader = "pygrub"
name = "width"
memory = 256
extra = "from=config"
disk = ["file:{disk},xvda,w"]
""",
    )
    with environment.boot("width", config) as guest:
        console = guest.console()
        (facts,) = guest.starts()
    assert facts.one("cmdline") == "second kernel, i386"
    assert facts.one("token") == environment.files.secret
    assert "PV GRUB: adding to the kernel's command line: from=config" in console
    assert "PV GRUB: taking /boot/grub/menu.lst of xen/xvda,1" in console
