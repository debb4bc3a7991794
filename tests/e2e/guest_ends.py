"""How a guest ends: functions (guest, shell) -> outcome, as in dom0_commands.py."""

import time

from tests.e2e.dom0_commands import MEMORY, TAKEN, WORKS
from tests.e2e.environment import Running
from tests.e2e.guest_shell import Shell

SHUTDOWN_WATCHDOG = "4"  # xen/include/public/sched.h


def reboot(guest: Running, shell: Shell) -> str:
    """Have it rebooted."""
    guest.xl(f"reboot {guest.name}")
    return _started_anew(guest, shell)


def crash_and_restart(guest: Running, shell: Shell) -> str:
    """Crash the guest: on_crash="restart" starts it anew."""
    shell.type("x echo c > /proc/sysrq-trigger")
    return _started_anew(guest, shell)


def watchdog(guest: Running, shell: Shell) -> str:
    """Start Xen's watchdog in the guest and do not feed it: on_watchdog="preserve" keeps it."""
    shell.type("x watchdog -F -T 5 -t 1000 /dev/watchdog")
    allowed = guest.machine.limit(180)
    while (reason := guest.xl(f"list -v {guest.name}").split()[-2]) == "-":
        assert not allowed.is_over(), guest.xl("list -v")
        time.sleep(1)
    assert reason == SHUTDOWN_WATCHDOG
    return WORKS


def crash(guest: Running, shell: Shell) -> str:
    """Crash the guest: on_crash="preserve" keeps it for a look."""
    shell.type("x echo c > /proc/sysrq-trigger")
    allowed = guest.machine.limit(120)
    while "c" not in guest.xl(f"list {guest.name}").split()[-2]:
        assert not allowed.is_over(), guest.xl("list")
        time.sleep(1)
    return WORKS


def dump(guest: Running, shell: Shell) -> str:
    """Dump the memory of the crashed guest: an ELF file of at least its size."""
    guest.xl(f"dump-core {guest.name} /guest/core", 1800)
    seen = guest.machine.run("stat -c %s /guest/core; head -c 4 /guest/core").text
    size, _, head = seen.partition("\n")
    assert head == "\x7fELF"
    assert int(size) > (MEMORY - TAKEN) << 20
    return WORKS


def _started_anew(guest: Running, shell: Shell) -> str:
    guest.wait_start(shell.starts + 1)
    shell.started_anew()
    shell.prove()
    return WORKS
