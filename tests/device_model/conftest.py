"""Every test here runs under each shell that a dom0 may call /bin/sh."""

from pathlib import Path

import pytest

from tests.device_model.script_runner import SHELLS, program


@pytest.fixture(params=sorted(SHELLS))
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def qemu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that prints its arguments, for SHIMTOOL_QEMU."""
    return program(tmp_path_factory.mktemp("qemu") / "qemu-system-i386")
