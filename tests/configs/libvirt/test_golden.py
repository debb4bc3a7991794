"""Golden pairs: a domain's XML of the wild, and the XML (or the refusal) that comes of it.

What comes of a file that libvirt's own schema takes must be taken by it too.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool import text
from shimtool.commands.planning import Planned, Refused, plan_guests
from shimtool.commands.run import Run, open_run
from shimtool.commands.settings import GuestSettings
from shimtool.configs.parse import open_config
from shimtool.errors import ShimtoolError
from shimtool.model import Mode, Plan
from tests.configs.libvirt.support import CASES, DATA, GOOD, validates
from tests.support import debs
from tests.support.dom0 import make_dom0

HOSTS = {"unknown": None, "4.9": "4.9.2", "4.11": "4.11.4", "4.17": "4.17.7"}
# Not what the schema takes, though libvirt does: an unknown element, which it drops; and <boot>
# of a PV guest.
LAX = ("comments-and-unknown-things", "graphical-console")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    dom0 = make_dom0(tmp_path_factory.mktemp("golden"))
    (dom0.boot / "grub-x86_64-xen.bin").write_bytes(
        (debs.ROOT / "build/assets/pvgrub/grub-x86_64-xen.bin").read_bytes()
    )
    return {
        name: open_run(GuestSettings(map=[f"/boot={dom0.boot}"], out=dom0.out, xen=xen))
        for name, xen in HOSTS.items()
    }


@pytest.mark.parametrize("host", ["unknown", "4.17"])
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_golden(
    case: Path,
    host: str,
    runs: dict[str, Run],
    golden: Callable[[Path, bytes], None],
    tmp_path: Path,
) -> None:
    (outcome,) = plan_guests([case], runs[host])
    assert isinstance(outcome, Refused) == case.name.startswith("refused-"), outcome
    expected = DATA / "expected" / f"{case.stem}.{host}"
    if isinstance(outcome, Refused):
        lines = text.error(ShimtoolError(*outcome.faults)).replace(str(case.parent), "")
        golden(expected.with_name(f"{expected.name}.txt"), f"{_anonymous(lines)}\n".encode())
        return
    assert outcome.plan.files[-1] == f"{outcome.plan.guest.name}.xml"
    config = outcome.new_config
    golden(expected.with_name(f"{expected.name}.xml"), _lasting(config))
    assert outcome.changes
    new = tmp_path / "new.xml"
    new.write_bytes(config)
    assert (validates(case) == "") == (case.stem not in LAX)
    assert case.stem == LAX[0] or validates(new) == ""
    again = open_config(new)
    assert again.ours
    assert not open_config(case).ours
    assert again.guest().type.value == outcome.plan.mode.value


def _planned(case: str, run: Run) -> Plan:
    (outcome,) = plan_guests([DATA / f"{case}.xml"], run)
    assert isinstance(outcome, Planned), outcome
    return outcome.plan


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


def test_pvh_is_refused_for_what_libvirt_cannot_hand_over(tmp_path: Path) -> None:
    dom0 = make_dom0(tmp_path)
    options = GuestSettings(map=[f"/boot={dom0.boot}"], out=dom0.out, xen="4.11.4", mode="pvh")
    run = open_run(options)
    (outcome,) = plan_guests([DATA / "virt-install-direct-kernel.xml"], run)
    assert isinstance(outcome, Refused)
    assert [(fault.remedy, str(fault.where).rpartition(":")[2]) for fault in outcome.faults] == [
        ("use --mode hvm, or convert an xl config of this guest", "15")
    ]
    assert _planned("pygrub", run).mode is Mode.PVH


def _lasting(config: bytes) -> bytes:
    """Leave out the hashes of Debian's shim and GRUB, which get updates."""
    return re.sub(rb"(xen-shim|pvgrub)-[0-9a-f]{16}", rb"\1-HASH", config)


def _anonymous(text: str) -> str:
    """Leave out the temporary folder that stands for dom0's /boot."""
    return re.sub(r"/\S*/golden0/", "HERE/", text)


def test_there_are_enough_cases() -> None:
    assert len(GOOD) >= 12
