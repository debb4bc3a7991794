"""A guest converted by the container image of `make dist`, not by the checkout, boots."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command import Program
from tests.e2e.environment import Environment, loops
from tests.e2e.shims import ASSETS
from tests.support.debs import ROOT
from tests.support.own_folder import folder_of_root

pytestmark = pytest.mark.e2e

LAUNCHER = ROOT / "build" / "dist" / "shimtool"


def launcher(cache: Path) -> Program:
    """The launcher as on a dom0 without docker and podman: the image's files, run in place."""
    env = os.environ | {"SHIMTOOL_ENGINE": "none", "SHIMTOOL_CACHE": str(cache)}

    def program(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [LAUNCHER, *arguments], check=False, capture_output=True, text=True, env=env
        )

    return program


@pytest.mark.modes("hvm")
@pytest.mark.e2e_ci("hvm")
def test_converted_in_the_container(environment: Environment) -> None:
    if environment.assets != ASSETS:
        pytest.skip("the image holds the bundled shim, not the one of E2E_SHIM")
    root, swap = environment.files.root_disk(), environment.files.swap_disk()
    text = f"""
# Partitions as disks, numbers as strings, keys that xl does not know: as xen-tools does
kernel  = '{environment.files.kernel()}'
ramdisk = '{environment.files.ramdisk()}'
vcpus   = '1'
memory  = '512'
root    = '/dev/xvda2 ro'
extra   = 'console=hvc0 e2e=wait e2e.swap=/dev/xvda1'
disk    = [
              'phy:/dev/loop0,xvda2,w',
              'phy:/dev/loop1,xvda1,w',
          ]
name    = 'packed'
dhcp    = 'dhcp'
vif     = [ 'mac=00:16:3E:44:55:66' ]
"""
    with folder_of_root() as cache:
        config = environment.convert("packed", text, program=launcher(cache))
        assert list(cache.glob("*/usr/bin/python3.11")), "the image was not used"
    with environment.boot("packed", config, loops(root, swap)) as guest:
        (facts,) = guest.starts()
    line = "root=/dev/xvda2 ro console=hvc0 e2e=wait e2e.swap=/dev/xvda1"
    assert facts.command_line() == line.encode()
    assert facts.one("root") == "/dev/xvda2 ro this is root"
    assert facts.one("swap") == "/dev/xvda1"
    assert facts.one("token") == environment.files.token(root=True)
    assert facts.blocks() == {"xvda1": (16 << 20, False), "xvda2": (16 << 20, False)}
    assert facts.one("net") == "eth0 00:16:3e:44:55:66 vif vif-0"
    assert facts.one("pci") == "0"
