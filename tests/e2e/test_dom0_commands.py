"""What dom0 can do to a guest works in both containers as it does natively, or differs as known."""

import struct
from collections.abc import Mapping

import pytest

from tests.e2e import dom0_commands as commands
from tests.e2e import guest_moves as moves
from tests.e2e import things
from tests.e2e.dom0_commands import WORKS, Tried
from tests.e2e.environment import NATIVE, Environment, Running, loops
from tests.e2e.guest_shell import Shell, SilentError

pytestmark = pytest.mark.e2e

SILENT = "the guest answers no more"


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
    known = things.NATIVELY if environment.mode == NATIVE else things.UNDER_A_SHIM
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
    try_all(environment, things.COMMANDS, f'vcpus = 2\non_crash = "preserve"\n{offset}')


@ALL_MODES
def test_ends(environment: Environment) -> None:
    """A crash, and a watchdog that nobody feeds; before, a clock in dom0's own time zone."""
    more = 'on_crash = "restart"\non_watchdog = "preserve"\nlocaltime = 1'
    try_all(environment, things.ENDS, more)


@ALL_MODES
def test_memory(environment: Environment) -> None:
    try_all(environment, things.MEMORY, "")


@ALL_MODES
def test_two_vcpus_saved(environment: Environment) -> None:
    try_all(environment, {things.TWO_SAVED: moves.save_and_restore}, "vcpus = 2")


def test_two_vcpus_migrated(environment: Environment) -> None:
    try_all(environment, {things.TWO_MIGRATED: moves.migrate}, "vcpus = 2")


@ALL_MODES
def test_a_vcpu_given_back(environment: Environment) -> None:
    try_all(environment, {things.GIVEN_BACK: moves.given_back}, "vcpus = 2")


@pytest.mark.parametrize("word", ["nopvspin", "xen_nopvspin"])
def test_no_pv_spinlocks(environment: Environment, word: str) -> None:
    """With PV spinlocks off, two vCPUs are moved as one is: the old word does what the new does."""
    tried: dict[str, Tried] = {f"save, restore (2 vCPUs, {word})": moves.save_and_restore}
    if word == "nopvspin":
        tried[f"migrate (2 vCPUs, {word})"] = moves.migrate
        tried[f"{things.GIVEN_BACK} ({word})"] = moves.given_back
    try_all(environment, tried, f'vcpus = 2\nextra = "console=hvc0 quiet e2e=shell {word}"')
