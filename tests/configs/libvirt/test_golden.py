"""Golden pairs: a domain's XML from a real host, and the XML (or the refusal) that comes of it.

What comes of a file that libvirt's own schema takes must be taken by it too.
"""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from shimtool.commands.outcomes import Refused
from shimtool.commands.run import Run
from shimtool.commands.settings import GuestSettings
from shimtool.configs.parse import open_config
from shimtool.model import KernelBoot, Mode, Plan
from tests.configs.libvirt.support import CASES, DATA, GOOD, make_host, validates
from tests.support.dom0 import Dom0
from tests.support.planning import outcome_of, planned, refusal_text, run_on, without_hashes

HOSTS = {"unknown": None, "4.9": "4.9.2", "4.11": "4.11.4", "4.17": "4.17.7"}
# Not what the schema takes, though libvirt does: an unknown element, which it drops; and <boot>
# of a PV guest.
LAX = ("comments-and-unknown-things", "graphical-console")


@pytest.fixture(scope="module")
def dom0(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    return make_host(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def runs(dom0: Dom0) -> dict[str, Run]:
    return {name: run_on(dom0, GuestSettings(xen=xen)) for name, xen in HOSTS.items()}


@pytest.mark.parametrize("host", ["unknown", "4.17"])
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_golden(
    case: Path,
    host: str,
    dom0: Dom0,
    runs: dict[str, Run],
    golden: Callable[[Path, bytes], None],
) -> None:
    outcome = outcome_of(case, runs[host])
    assert isinstance(outcome, Refused) == case.name.startswith("refused-"), outcome
    expected = DATA / "expected" / f"{case.stem}.{host}"
    if isinstance(outcome, Refused):
        golden(expected.with_name(f"{expected.name}.txt"), refusal_text(outcome, dom0))
        return
    assert outcome.plan.files[-1] == f"{outcome.plan.guest.name}.xml"
    config = outcome.new_config
    golden(expected.with_name(f"{expected.name}.xml"), without_hashes(config))
    assert outcome.changes
    if isinstance(outcome.plan.guest.boot, KernelBoot):
        line = ElementTree.parse(case).findtext("os/cmdline")  # noqa: S314 - our own file
        assert outcome.plan.image.command_line == (line or "")
    new = dom0.configs / f"{case.stem}.xml"
    new.write_bytes(config)
    assert (validates(case) == "") == (case.stem not in LAX)
    assert case.stem == LAX[0] or validates(new) == ""
    again = open_config(new)
    assert again.ours
    assert not open_config(case).ours
    assert again.guest().type.value == outcome.plan.mode.value


def _planned(case: str, run: Run) -> Plan:
    return planned(DATA / f"{case}.xml", run).plan


@pytest.mark.parametrize("host", HOSTS)
def test_pvh_is_for_pv_grub_where_libvirt_is_sure_to_know_it(
    host: str, runs: dict[str, Run]
) -> None:
    best = Mode.PVH if host == "4.17" else Mode.HVM
    assert _planned("virt-install-direct-kernel", runs[host]).mode is Mode.HVM
    assert _planned("many-disks", runs[host]).mode is Mode.HVM  # a command line
    assert _planned("room-to-grow", runs[host]).mode is Mode.HVM  # a ramdisk
    for case in ("pygrub", "neither-kernel-nor-bootloader", "pv-grub-as-kernel"):
        assert _planned(case, runs[host]).mode is best


def test_pvh_is_refused_for_what_libvirt_cannot_hand_over(dom0: Dom0) -> None:
    run = run_on(dom0, GuestSettings(xen="4.11.4", mode="pvh"))
    outcome = outcome_of(DATA / "virt-install-direct-kernel.xml", run)
    assert isinstance(outcome, Refused)
    assert [(fault.remedy, str(fault.where).rpartition(":")[2]) for fault in outcome.faults] == [
        ("use --mode hvm, or convert an xl config of this guest", "15")
    ]
    assert _planned("pygrub", run).mode is Mode.PVH


def test_there_are_enough_cases() -> None:
    assert len(GOOD) >= 12
