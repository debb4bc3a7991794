"""Material made from Debian's real shim, hypervisor and kernel."""

from pathlib import Path

import pytest

from tests.support import debs, hypervisors


@pytest.fixture(scope="session")
def real_shim() -> bytes:
    return debs.xen_shim().read_bytes()


@pytest.fixture(scope="session")
def hypervisor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debian's ordinary hypervisor, unpacked."""
    path = tmp_path_factory.mktemp("hypervisor") / "xen"
    path.write_bytes(hypervisors.ordinary())
    return path


@pytest.fixture(scope="session")
def vixen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hypervisor") / "xen-vixen"
    path.write_bytes(hypervisors.like_vixen())
    return path
