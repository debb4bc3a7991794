"""A guest too small for the shim has the memory it had: the pre-stage makes room for its kernel."""

import pytest

from tests.e2e import dom0_commands as commands
from tests.e2e import guest_ends as ends
from tests.e2e import guest_moves as moves
from tests.e2e.dom0_commands import WORKS
from tests.e2e.environment import Environment, loops
from tests.e2e.guest_report import MORE
from tests.e2e.guest_shell import Shell

pytestmark = pytest.mark.e2e

LIFE = {
    "save, restore": moves.save_and_restore,
    "migrate": moves.migrate,
    "reboot": ends.reboot,
}


@pytest.mark.modes("hvm")
@pytest.mark.hosts("4.14", "4.17", "4.20")
def test_a_small_guest_lives_on(environment: Environment) -> None:
    """Debian's kernel needs 361 MiB in HVM as things are."""
    lives_on(environment, 256, "vcpus = 2")


@pytest.mark.e2e_ci("hvm")
@pytest.mark.modes("hvm")
def test_a_guest_hardly_too_small_lives_on(environment: Environment) -> None:
    """Of the largest for which room is made, most is moved: Xen's tables for that take most."""
    lives_on(environment, 335, "vcpus = 1")


def lives_on(environment: Environment, memory: int, more: str) -> None:
    files = environment.files
    config = environment.convert(
        "small",
        f"""
name = "small"
kernel = "{files.kernel()}"
ramdisk = "{files.ramdisk()}"
root = "/dev/xvda1 rw"
extra = "console=hvc0 quiet nopvspin e2e=shell"
memory = {memory}
disk = ["phy:/dev/loop0,xvda1,w"]
vif = ["mac=00:16:3e:11:22:33,bridge=xenbr0"]
{more}
""",
        "--verbose-boot",
    )
    disks = loops(files.root_disk())
    with environment.boot("small", config, f"{disks} && {commands.BRIDGED}") as guest:
        (facts,) = guest.starts()
        assert facts.one("token") == files.token(root=True)
        assert facts.memory()[0] // 1024 - memory in MORE
        assert "prestage: room: a block of" in guest.machine.run("xl dmesg").text
        shell = Shell(guest, files.secret)
        shell.prove()
        commands.use_card(shell, 0)
        for what, tried in LIFE.items():
            environment.row.saw(what, seen := tried(guest, shell))
            assert seen == WORKS
