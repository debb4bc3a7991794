"""XML of the wild, judged by libvirt's own driver: what it takes we take, to the same effect."""

import shutil
from pathlib import Path

import pytest

from shimtool.commands.outcomes import Planned
from shimtool.commands.run import Run
from shimtool.commands.settings import GuestSettings
from tests.configs.libvirt.comparing import same, told
from tests.configs.libvirt.driver import ask
from tests.configs.libvirt.support import make_host, small
from tests.configs.libvirt.wild import KINDS
from tests.device_model.script_runner import SCRIPT
from tests.support.dom0 import Dom0
from tests.support.planning import outcome_of, run_on

FORMS = [
    (kind, place, at)
    for kind, each in KINDS.items()
    for place in ("devices", "inside")
    for at in range(len(getattr(each, place)))
]
# What is left of a PV guest's settings: the rest says what a container of ours is.
KEPT = ("cpuid", "localtime", "tsc_mode", "numa_placement", "max_grant_frames", "event_channels")


@pytest.fixture(scope="module")
def dom0(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    made = make_host(tmp_path_factory.mktemp("wild"))
    shutil.copy(SCRIPT, made.out)
    return made


@pytest.fixture(scope="module")
def on_old_host(dom0: Dom0) -> Run:
    return run_on(dom0, GuestSettings(host_out=str(dom0.out), xen="4.9.2"))


@pytest.mark.parametrize("which", FORMS)
def test_as_libvirt(
    which: tuple[str, str, int], dom0: Dom0, on_old_host: Run, tmp_path: Path
) -> None:
    kind, place, at = which
    form = {place: getattr(KINDS[kind], place)[at]}
    text = small(**form).replace("/boot/k<", "/boot/vmlinuz-guest<")
    config = dom0.config("n.xml", text)
    outcome = outcome_of(config, on_old_host)
    refused = ask(config).get("refused")
    assert isinstance(outcome, Planned) == (refused is None), (form, refused, outcome)
    if not isinstance(outcome, Planned):
        return
    old, new = told(text.encode(), tmp_path), told(outcome.new_config, tmp_path)
    same(old, new, outcome.plan)
    for key in KEPT:
        assert new["b_info"].get(key) == old["b_info"].get(key), key
    assert new.get("channels") == old.get("channels")
    assert "nested_hvm" not in new["b_info"]


def test_the_table() -> None:
    forms = {form for kind in KINDS.values() for form in (*kind.devices, *kind.inside)}
    assert len(forms) == len(FORMS) >= 60
    assert all(kind.source for kind in KINDS.values())
