"""What tests of planning share."""

import pytest

from shimtool.commands.run import Session, open_session
from shimtool.commands.settings import GuestOptions
from shimtool.model import Mode
from tests.support.dom0 import Dom0, make_dom0


@pytest.fixture(scope="module")
def dom0(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    """Folders that the tests of a file share."""
    return make_dom0(tmp_path_factory.mktemp("dom0"))


@pytest.fixture(scope="module")
def sessions(dom0: Dom0) -> dict[Mode, Session]:
    """A host for each mode: one too old for PVH, and one that chooses it."""

    def session(xen: str) -> Session:
        return open_session(GuestOptions(map=[f"/boot={dom0.boot}"], out=dom0.out, xen=xen))

    return {Mode.HVM: session("4.9.2"), Mode.PVH: session("4.17.7")}
