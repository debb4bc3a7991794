"""What tests of planning share."""

import pytest

from shimtool.commands.run import Run
from shimtool.commands.settings import GuestSettings
from shimtool.model import Mode
from tests.support.dom0 import Dom0, make_dom0
from tests.support.planning import run_on


@pytest.fixture(scope="module")
def dom0(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """Folders that the tests of a file share."""
    return make_dom0(tmp_path_factory.mktemp("dom0"))


@pytest.fixture(scope="module")
def runs(dom0: Dom0) -> dict[Mode, Run]:
    """A host for each mode: one too old for PVH, and one that chooses it."""
    hosts = {Mode.HVM: "4.9.2", Mode.PVH: "4.17.7"}
    return {mode: run_on(dom0, GuestSettings(xen=xen)) for mode, xen in hosts.items()}
