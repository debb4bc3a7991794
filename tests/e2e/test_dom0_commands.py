"""What dom0 can do to a guest works in both containers as it does natively, or differs as known."""

import struct
from collections.abc import Mapping

import pytest

from tests.e2e import dom0_commands as commands
from tests.e2e import guest_ends as ends
from tests.e2e import guest_moves as moves
from tests.e2e.dom0_commands import UNSEEN, WORKS, ZEROS, Tried
from tests.e2e.environment import NATIVE, Environment, Running, loops
from tests.e2e.guest_moves import STOPS
from tests.e2e.guest_shell import Shell, SilentError

pytestmark = pytest.mark.e2e

SILENT = "the guest answers no more"
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


def outcome(tried: Tried, guest: Running, shell: Shell) -> str:
    """Return what trying it showed: whatever it is, the table has a row of it."""
    try:
        return tried(guest, shell)
    except SilentError:
        return SILENT
    except AssertionError as error:
        return "fails: " + str(error).partition("\n")[0]


def try_all(environment: Environment, all_: Mapping[str, Tried], more: str) -> None:
    """Boot a guest with `more` in its config and a disk, and do all that to it, in this order."""
    files = environment.files
    files.tree("zone", {"localtime": zone(commands.TIME_OFFSET)})
    config = environment.configured(
        "told",
        f"""
name = "told"
kernel = "{files.kernel()}"
ramdisk = "{files.ramdisk(("xen_wdt",))}"
root = "/dev/xvda1 rw"
extra = "console=hvc0 quiet e2e=shell"
memory = {commands.MEMORY}
disk = ["phy:/dev/loop0,xvda1,w"]
vif = ["mac=00:16:3e:11:22:33,bridge=xenbr0"]
{more}
""",
    )
    disks = loops(files.root_disk(), files.blank_disk("plugged"))
    with environment.boot("told", config, f"{disks} && {commands.PREPARE}") as guest:
        shell = Shell(guest, files.secret)
        shell.prove()
        commands.use_card(shell, 0)
        for what, tried in all_.items():
            environment.row.saw(what, seen := outcome(tried, guest, shell))
            if seen == SILENT:
                break
    known = NATIVELY if environment.mode == NATIVE else UNDER_A_SHIM
    assert environment.row.things == {what: known.get(what, WORKS) for what in all_}


def zone(east: int) -> bytes:
    """Return a TZif file (RFC 8536, version 1) of a zone so many seconds east of Greenwich."""
    counts = (0, 0, 0, 0, 1, 4)  # one type of local time, its name of four bytes
    head = struct.pack(">4s16x6I", b"TZif", *counts)
    return head + struct.pack(">i2B4s", east, 0, 0, b"E2E")


ALL_MODES = pytest.mark.modes("hvm", "pvh", NATIVE)


@ALL_MODES
def test_commands(environment: Environment) -> None:
    offset = f"rtc_timeoffset = {commands.TIME_OFFSET}"
    try_all(environment, COMMANDS, f'vcpus = 2\non_crash = "preserve"\n{offset}')


@ALL_MODES
def test_ends(environment: Environment) -> None:
    """A crash, and a watchdog that nobody feeds; before, a clock in dom0's own time zone."""
    more = 'on_crash = "restart"\non_watchdog = "preserve"\nlocaltime = 1'
    try_all(environment, ENDS, more)


@ALL_MODES
def test_memory(environment: Environment) -> None:
    try_all(environment, MEMORY, "")


@ALL_MODES
def test_two_vcpus_saved(environment: Environment) -> None:
    try_all(environment, {TWO_SAVED: moves.save_and_restore}, "vcpus = 2")


def test_two_vcpus_migrated(environment: Environment) -> None:
    try_all(environment, {TWO_MIGRATED: moves.migrate}, "vcpus = 2")


@ALL_MODES
def test_a_vcpu_given_back(environment: Environment) -> None:
    try_all(environment, {GIVEN_BACK: moves.given_back}, "vcpus = 2")


@pytest.mark.parametrize("word", ["nopvspin", "xen_nopvspin"])
def test_no_pv_spinlocks(environment: Environment, word: str) -> None:
    """With PV spinlocks off, two vCPUs are moved as one is: the old word does what the new does."""
    tried: dict[str, Tried] = {f"save, restore (2 vCPUs, {word})": moves.save_and_restore}
    if word == "nopvspin":
        tried[f"migrate (2 vCPUs, {word})"] = moves.migrate
        tried[f"{GIVEN_BACK} ({word})"] = moves.given_back
    try_all(environment, tried, f'vcpus = 2\nextra = "console=hvc0 quiet e2e=shell {word}"')
