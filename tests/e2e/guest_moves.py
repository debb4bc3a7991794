"""Save, restore and live migration of a guest: functions (guest, shell) -> outcome, as in
dom0_commands.py.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.dom0_commands import (
    MEMORY,
    WORKS,
    memory_in_dom0,
    one_vcpu,
    reach_dom0,
    two_vcpus,
)
from tests.e2e.environment import Running
from tests.e2e.guest_shell import BUG, Shell
from tests.e2e.nested_xen import NestedXenError

STOPS = "the guest stops: kernel BUG"
NO_LOG = "Xen logs no dirty pages here"
STAYS = "fails, the guest stays"
LOST = "save works, restore fails"
# Xen gives a domain no more than mem-set's number.
NO_ROOM = "Failed to populate"


def save_and_restore(guest: Running, shell: Shell) -> str:
    """Save, restore; the shell, a disk and the network card go on, or the kernel stops."""
    guest.xl(f"save {guest.name} /guest/saved", 900)
    assert guest.machine.run(f"xl domid {guest.name}").code != 0
    guest.xl("restore /guest/saved", 900)
    return _goes_on(guest, shell)


def save_one_of_two(guest: Running, shell: Shell) -> str:
    """Take the second of two vCPUs before."""
    one_vcpu(guest, shell)
    return save_and_restore(guest, shell)


def migrate(guest: Running, shell: Shell) -> str:
    """Migrate live, to the same host."""
    before = guest.xl(f"domid {guest.name}")
    try:
        guest.xl(f"migrate -s '' {guest.name} 'xl migrate-receive'", 1800)
    except NestedXenError as error:
        if "Failed to enable logdirty" not in str(error):
            raise
        shell.prove()
        return NO_LOG
    assert guest.machine.run(f"xl domid {guest.name}").text != before  # or it is gone: it stopped
    return _goes_on(guest, shell)


def migrate_after_mem_set(guest: Running, shell: Shell) -> str:
    """Migrate, or go on here."""
    with _lacking_room():
        return migrate(guest, shell)
    assert _goes_on(guest, shell) == WORKS
    return STAYS


def save_after_mem_set(guest: Running, shell: Shell) -> str:
    """Save, and restore if that can be."""
    with _lacking_room():
        return save_and_restore(guest, shell)
    assert guest.machine.run(f"xl domid {guest.name}").code  # it is in the file alone
    return LOST


@contextmanager
def _lacking_room() -> Iterator[None]:
    """Go on behind the block where Xen gives the domain in it too little."""
    try:
        yield
    except NestedXenError as error:
        if NO_ROOM not in str(error):
            raise


def restore_with_config(guest: Running, shell: Shell) -> str:
    """Restore with the config at hand, which says how much memory it is, what is saved already."""
    if not guest.machine.run(f"xl domid {guest.name}").code:
        guest.xl(f"save {guest.name} /guest/saved", 900)
    config = guest.machine.run("ls /guest/out/told.cfg || echo /guest/etc/told.cfg").text
    guest.xl(f"restore {config.split()[-1]} /guest/saved", 900)
    return _goes_on(guest, shell)


def save_as_configured(guest: Running, shell: Shell) -> str:
    """Set the memory that dom0 shows, which is what the config says, and save and restore then."""
    whole = memory_in_dom0(guest)
    guest.xl(f"mem-set {guest.name} {MEMORY}")
    shell.prove()
    guest.xl(f"mem-set {guest.name} {whole}")
    shell.prove()
    return save_and_restore(guest, shell)


def given_back(guest: Running, shell: Shell) -> str:
    """Take a vCPU, save, restore, give the vCPU back, use it, save and restore again."""
    one_vcpu(guest, shell)
    assert save_and_restore(guest, shell) == WORKS
    try:
        two_vcpus(guest, shell)
        shell.run("taskset 2 sha256sum /busybox")
        return save_and_restore(guest, shell)
    except AssertionError as error:
        return _stopped(guest, error)


def _goes_on(guest: Running, shell: Shell) -> str:
    shell.moved()
    try:
        assert not shell.run("echo moved > /mnt/moved && sync")
        reach_dom0(shell, 0)
        shell.prove()
    except AssertionError as error:
        return _stopped(guest, error)
    return WORKS


def _stopped(guest: Running, error: AssertionError) -> str:
    """Return STOPS, if that is the reason for an error."""
    if BUG not in guest.console():
        raise error
    return STOPS
