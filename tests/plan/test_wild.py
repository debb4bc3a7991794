"""What is found in the field, judged by Xen's own xl: what it takes we take, to the same effect."""

import json
from pathlib import Path

import pytest

from shimtool.commands.outcomes import Planned
from shimtool.commands.run import Run
from shimtool.commands.settings import GuestSettings
from shimtool.model import KernelBoot
from tests.plan.wild import KINDS as PLAIN
from tests.plan.wild import OTHERWISE
from tests.plan.wild_devices import DEVICES
from tests.support.dom0 import Dom0
from tests.support.planning import outcome_of, run_on
from tests.support.real_xl import created

HOSTS = {"hvm": None, "pvh": "4.17.7"}
BASE = "name='g'\nkernel='/boot/vmlinuz-guest'\nmemory=256\n"
KINDS = PLAIN | DEVICES
SAME = {
    "disks": ("vdev", "pdev_path", "readwrite", "backend_domname", "script"),
    "nics": ("mac", "bridge", "ip", "script", "ifname", "rate_bytes_per_interval", "mtu"),
}
# These stay as they are.
ALL_OF = ("channels", "p9s", "vtpms", "vdispls", "vsnds", "pvcallsifs", "on_crash", "on_reboot")
OF_THE_BUILD = (
    "cpuid", "sched_params", "vcpu_hard_affinity", "vcpu_soft_affinity", "tsc_mode", "localtime",
    "rtc_timeoffset", "numa_placement", "avail_vcpus",
)  # fmt: skip


@pytest.fixture(scope="module")
def runs(dom0: Dom0) -> dict[str, Run]:
    return {name: run_on(dom0, GuestSettings(xen=xen)) for name, xen in HOSTS.items()}


@pytest.mark.parametrize(
    ("number", "kind"), [(at, kind) for kind, lines in KINDS.items() for at in range(len(lines))]
)
def test_as_xl(number: int, kind: str, dom0: Dom0, runs: dict[str, Run]) -> None:
    line = KINDS[kind][number]
    config = dom0.config("wild.cfg", f"{BASE}{line}\n")
    theirs = created(config)
    taken = isinstance(theirs, dict) and line not in OTHERWISE
    for run in runs.values():
        outcome = outcome_of(config, run)
        assert isinstance(outcome, Planned) == taken, (line, theirs, outcome)
        if isinstance(outcome, Planned) and isinstance(theirs, dict):
            _same_guest(outcome, theirs, config.with_name("new.cfg"))


def _same_guest(outcome: Planned, before: dict[str, object], new: Path) -> None:
    built = json.loads(json.dumps(before["b_info"]))
    if isinstance(outcome.plan.guest.boot, KernelBoot):
        assert outcome.plan.image.command_line == built.get("cmdline", "")
    new.write_bytes(outcome.new_config)
    after = created(new)
    assert isinstance(after, dict), after
    for devices, keys in SAME.items():
        assert _part(after, devices, keys) == _part(before, devices, keys)
    assert {key: after.get(key) for key in ALL_OF} == {key: before.get(key) for key in ALL_OF}
    made = json.loads(json.dumps(after["b_info"]))
    assert [made.get(key) for key in OF_THE_BUILD] == [built.get(key) for key in OF_THE_BUILD]
    told = " ".join(each.text for each in outcome.plan.warnings)
    assert ("graphical console" in told or "vfb= is lost" in told) == ("vfbs" in before)
    assert "vfbs" not in after


def _part(found: dict[str, object], devices: str, keys: tuple[str, ...]) -> list[dict[str, object]]:
    listed = json.loads(json.dumps(found.get(devices, [])))
    return [{key: value for key, value in each.items() if key in keys} for each in listed]


def test_each_kind_has_fifteen() -> None:
    assert {kind for kind, lines in KINDS.items() if len(set(lines)) < 15} == set()
