"""A converted guest migrates live between two hosts, to the same Xen and to the next newer one."""

import contextlib
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.e2e import dom0_commands as commands
from tests.e2e import guest_ends as ends
from tests.e2e.dom0_commands import WORKS
from tests.e2e.environment import Environment, Running
from tests.e2e.guest_shell import Shell
from tests.e2e.host import RELEASES, Release, host
from tests.e2e.nested_xen import Machine, NestedXenError
from tests.e2e.slots import slots
from tests.e2e.two_hosts import ADDRESSES, SHARED_DISK, Link, linked, migrate

pytestmark = pytest.mark.e2e

NEWER = {RELEASES["4.14"]: RELEASES["4.17"], RELEASES["4.17"]: RELEASES["4.20"]}


@contextlib.contextmanager
def two_hosts(
    environment: Environment, second: Release, memory: int = commands.MEMORY
) -> Iterator[tuple[Running, Machine]]:
    """Start a guest on the first of two hosts, with the disk that both reach."""
    files = environment.files
    config = environment.convert(
        "moves",
        f"""
name = "moves"
kernel = "{files.kernel()}"
ramdisk = "{files.ramdisk()}"
root = "/dev/xvda1 rw"
extra = "console=hvc0 quiet e2e=shell"
memory = {memory}
disk = ["phy:{SHARED_DISK},xvda1,w"]
vif = ["mac=00:16:3e:11:22:33,bridge=xenbr0"]
""",
    )
    files.root_disk("shared")
    parts = [host(release) for release in (environment.release, second)]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="e2e-")))
        link = Link(folder, files.home / "disks/shared")
        first, other = (partial(linked, environment, parts[i], link, i) for i in (0, 1))
        stack.enter_context(slots(2))
        guest = stack.enter_context(environment.boot("moves", config, fresh=first))
        yield guest, stack.enter_context(other())


def test_to_another_host(environment: Environment) -> None:
    moves(environment, environment.release)


@pytest.mark.hosts("4.14", "4.17")
def test_to_a_newer_xen(environment: Environment) -> None:
    """One so small that in HVM the pre-stage moves its memory."""
    moves(environment, NEWER[environment.release], 256)


def moves(environment: Environment, second: Release, memory: int = commands.MEMORY) -> None:
    """It goes on at the second host, with its disk and network card; it reboots and ends there."""
    with two_hosts(environment, second, memory) as (guest, other):
        shell = Shell(guest, environment.files.secret)
        commands.use_card(shell, 0)
        works(shell, "before")
        moved = migrate(guest, other)
        shell.arrived(moved)
        works(shell, "after")
        ends.reboot(moved, shell)
        assert shell.run("cat /mnt/before /mnt/after") == "before after"
        moved.xl("shutdown moves")
        moved.wait_gone()
    environment.row.saw(f"migrate to another host (Xen {second.xen})", WORKS)


@pytest.mark.modes("hvm")
def test_without_its_files_it_stays(environment: Environment) -> None:
    """A second host that has no ISO, or no device model, does not take it: it goes on at the first.

    There xl watches it no more, as it was suspended for a moment: nothing would restart it.
    """
    with two_hosts(environment, environment.release) as (guest, other):
        shell = Shell(guest, environment.files.secret)
        for missing in ("/guest/out/moves.iso", "/guest/out/shimtool-dm"):
            assert other.run(f"mv {missing} /guest/away").code == 0
            with pytest.raises(NestedXenError, match="Migration failed, resuming at sender"):
                migrate(guest, other)
            assert other.run("xl domid moves").code
            shell.prove()
            assert other.run(f"mv /guest/away {missing}").code == 0
        assert not guest.exists()
        moved = migrate(guest, other)
        shell.arrived(moved)
        ends.reboot(moved, shell)


@pytest.mark.modes("pvh")
def test_without_the_shim_it_does_not_reboot(environment: Environment) -> None:
    """A second host that has no shim takes the guest, which goes on: until it reboots."""
    with two_hosts(environment, environment.release) as (guest, other):
        shell = Shell(guest, environment.files.secret)
        assert other.run("rm -r /guest/out").code == 0
        moved = migrate(guest, other)
        shell.arrived(moved)
        shell.prove()
        moved.xl("reboot moves")
        moved.wait_gone()
        assert other.run("xl domid moves").code


def works(shell: Shell, name: str) -> None:
    """Write a file of that name to the disk; have answers from both dom0s."""
    assert not shell.run(f"echo {name} > /mnt/{name} && sync")
    for address in ADDRESSES:
        commands.reach(shell, address)
    shell.prove()
