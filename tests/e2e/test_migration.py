"""A converted guest migrates live between hosts, to the same Xen and on through newer ones."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.e2e import dom0_commands as commands
from tests.e2e import guest_ends as ends
from tests.e2e.dom0_commands import WORKS
from tests.e2e.environment import Environment, Running
from tests.e2e.guest_shell import Shell
from tests.e2e.host import RELEASES, Release, host
from tests.e2e.hosts_in_a_row import ADDRESSES, SHARED_DISK, Chain, linked, migrate
from tests.e2e.nested_xen import Machine, NestedXenError
from tests.e2e.slots import slots

pytestmark = pytest.mark.e2e


@contextlib.contextmanager
def first_of(
    releases: Sequence[Release], environment: Environment, memory: int = commands.MEMORY
) -> Iterator[tuple[Running, Iterator[Machine]]]:
    """Start a guest on the first of some hosts, with the disk that all reach; the others start as
    they are asked for, of which two may run at a time."""
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
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="e2e-")))
        chain = Chain(folder, files.home / "disks/shared", len(releases))
        first, *others = (
            partial(linked, environment, host(release), chain, number)
            for number, release in enumerate(releases)
        )
        stack.enter_context(slots(2))
        guest = stack.enter_context(environment.boot("moves", config, fresh=first))
        yield guest, (stack.enter_context(other()) for other in others)


def test_to_another_host(environment: Environment) -> None:
    moves([environment.release] * 2, environment)


@pytest.mark.hosts("4.14")
def test_through_newer_ones(environment: Environment) -> None:
    """In one life, and so small that in HVM the pre-stage moves its memory."""
    moves([RELEASES[name] for name in ("4.14", "4.17", "4.20")], environment, 256)


def moves(
    releases: Sequence[Release], environment: Environment, memory: int = commands.MEMORY
) -> None:
    """It goes on at each host, with its disk and network card; it reboots and ends at the last."""
    with first_of(releases, environment, memory) as (started, others):
        guest, shell = started, Shell(started, environment.files.secret)
        commands.use_card(shell, 0)
        works(shell, 0)
        for number, other in enumerate(others, 1):
            moved = migrate(guest, other, number)
            shell.arrived(moved)
            works(shell, number)
            guest.machine.stop()
            guest = moved
            environment.row.saw(f"migrate to another host (Xen {releases[number].xen})", WORKS)
        ends.reboot(guest, shell)
        assert shell.run("cat /mnt/on-*").split() == [str(i) for i in range(len(releases))]
        guest.xl("shutdown moves")
        guest.wait_gone()


@pytest.mark.modes("hvm")
def test_without_its_files_it_stays(environment: Environment) -> None:
    """A second host that has no ISO, or no device model, does not take it: it goes on at the first.

    There xl watches it no more, as it was suspended for a moment: nothing would restart it.
    """
    with first_of([environment.release] * 2, environment) as (guest, others):
        other = next(others)
        shell = Shell(guest, environment.files.secret)
        for missing in ("/guest/out/moves.iso", "/guest/out/shimtool-dm"):
            assert other.run(f"mv {missing} /guest/away").code == 0
            with pytest.raises(NestedXenError, match="Migration failed, resuming at sender"):
                migrate(guest, other, 1)
            assert other.run("xl domid moves").code
            shell.prove()
            assert other.run(f"mv /guest/away {missing}").code == 0
        assert not guest.exists()
        moved = migrate(guest, other, 1)
        shell.arrived(moved)
        ends.reboot(moved, shell)


@pytest.mark.modes("pvh")
def test_without_the_shim_it_does_not_reboot(environment: Environment) -> None:
    """A second host that has no shim takes the guest, which goes on: until it reboots."""
    with first_of([environment.release] * 2, environment) as (guest, others):
        other = next(others)
        shell = Shell(guest, environment.files.secret)
        assert other.run("rm -r /guest/out").code == 0
        moved = migrate(guest, other, 1)
        shell.arrived(moved)
        shell.prove()
        moved.xl("reboot moves")
        moved.wait_gone()
        assert other.run("xl domid moves").code


def works(shell: Shell, number: int) -> None:
    """Write a file to the disk; have answers from this dom0 and the one before."""
    assert not shell.run(f"echo {number} > /mnt/on-{number} && sync")
    for address in ADDRESSES[max(0, number - 1) : number + 1]:
        commands.reach(shell, address)
    shell.prove()
