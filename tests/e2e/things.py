"""What dom0 does to running guests, in this order, and what comes of it: a table of the manual."""

from collections.abc import Mapping

from tests.e2e import dom0_commands as commands
from tests.e2e import guest_ends as ends
from tests.e2e import guest_moves as moves
from tests.e2e.dom0_commands import UNSEEN, WORKS, ZEROS, Tried
from tests.e2e.guest_moves import STOPS

TWO_SAVED = "save, restore (2 vCPUs)"
TWO_MIGRATED = "migrate (2 vCPUs)"
GIVEN_BACK = "vcpu-set 1, save, restore, vcpu-set 2, save, restore"
ONE_OF_TWO = "vcpu-set 1, migrate"
ONE = "migrate (1 vCPU)"
OLD_MEMORY = "mem-set to the old memory="
MIGRATE_AFTER = "migrate after mem-set"
SAVE_AFTER = "save, restore after mem-set"
# What a shim changes; all else must work.
UNDER_A_SHIM = {
    "/sys/hypervisor/uuid": ZEROS,
    "trigger nmi": UNSEEN,
    TWO_SAVED: STOPS,
    TWO_MIGRATED: STOPS,
    GIVEN_BACK: STOPS,
    OLD_MEMORY: commands.LESS,
    MIGRATE_AFTER: moves.STAYS,
    SAVE_AFTER: moves.LOST,
}
# The nested host migrates no PV guest: it cannot log which pages one writes (EINVAL).
NATIVELY = {
    ONE_OF_TWO: moves.NO_LOG,
    ONE: moves.NO_LOG,
    MIGRATE_AFTER: moves.NO_LOG,
}
# Of a guest with two vCPUs, in this order: the last ones end it.
COMMANDS: Mapping[str, Tried] = {
    "XenStore: domid, vm, name": commands.domid_and_name,
    "/sys/hypervisor/uuid": commands.uuid,
    "rtc_timeoffset": commands.clock,
    "block-attach, block-detach": commands.block,
    "network-attach, network-detach": commands.network,
    "sysrq": commands.sysrq,
    "pause, unpause": commands.paused,
    "rename": commands.rename,
    "trigger nmi": commands.nmi,
    "vcpu-set down": commands.one_vcpu,
    "vcpu-set up": commands.two_vcpus,
    "vcpu-set 1, save, restore": moves.save_one_of_two,
    ONE_OF_TWO: moves.migrate,
    "block-attach, block-detach after migrate": commands.block,
    "on_crash=preserve": ends.crash,
    "dump-core": ends.dump,
}
# Of a guest with one.
MEMORY: Mapping[str, Tried] = {
    "mem-set down": commands.less_memory,
    OLD_MEMORY: commands.old_memory,
    MIGRATE_AFTER: moves.migrate_after_mem_set,
    SAVE_AFTER: moves.save_after_mem_set,
    "restore with its config after mem-set": moves.restore_with_config,
    "mem-set to the new config's memory=": commands.configured_memory,
    "save, restore after mem-set to the new config's memory=": moves.save_as_configured,
}
ENDS: Mapping[str, Tried] = {
    "localtime": commands.clock,
    "save, restore (1 vCPU)": moves.save_and_restore,
    ONE: moves.migrate,
    "reboot after migrate": ends.reboot,
    "on_crash=restart": ends.crash_and_restart,
    "on_watchdog=preserve": ends.watchdog,
}


def table() -> list[tuple[str, ...]]:
    """Return the manual's: its heads, then a row for each thing, in the order of the tests."""
    natively = {**NATIVELY, TWO_MIGRATED: "not tried"}
    once = dict.fromkeys((TWO_SAVED, TWO_MIGRATED, GIVEN_BACK))
    rows = [
        (what, natively.get(what, WORKS), UNDER_A_SHIM.get(what, WORKS))
        for what in (*COMMANDS, *ENDS, *MEMORY, *once)
    ]
    return [("what", "as PV", "in HVM and in PVH"), *rows]
