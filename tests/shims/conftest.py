"""Material made from Debian's real shim, hypervisor and kernel."""

import gzip
from pathlib import Path

import pytest

from tests.support import debs


@pytest.fixture(scope="session")
def real_shim() -> bytes:
    return debs.xen_shim().read_bytes()


@pytest.fixture(scope="session")
def hypervisor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Debian's ordinary hypervisor, unpacked."""
    (packed,) = (debs.unpacked("xen-hypervisor-4.17-amd64") / "boot").glob("xen-*-amd64.gz")
    path = tmp_path_factory.mktemp("hypervisor") / "xen"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path
