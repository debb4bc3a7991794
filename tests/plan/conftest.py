"""What tests of planning share."""

import pytest

from shimtool.commands.run import Run, open_run
from shimtool.commands.settings import GuestSettings
from shimtool.model import Mode
from tests.support.dom0 import Dom0, make_dom0


@pytest.fixture(scope="module")
def dom0(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """Folders that the tests of a file share."""
    return make_dom0(tmp_path_factory.mktemp("dom0"))


@pytest.fixture(scope="module")
def runs(dom0: Dom0) -> dict[Mode, Run]:
    """A host for each mode: one too old for PVH, and one that chooses it."""

    def run(xen: str) -> Run:
        return open_run(GuestSettings(map=[f"/boot={dom0.boot}"], out=dom0.out, xen=xen))

    return {Mode.HVM: run("4.9.2"), Mode.PVH: run("4.17.7")}
