"""A dom0 with the sample guests, and ISOs converted from it so that the shim's log is seen."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool.commands.boot_log import LOG_ARGS
from tests.support.dom0 import Dom0
from tests.support.samples import write_samples

Convert = Callable[[Path], Path]


@pytest.fixture
def dom0(tmp_path: Path) -> Dom0:
    write_samples(tmp_path)
    dom0 = Dom0(tmp_path)
    dom0.out.mkdir()
    return dom0


@pytest.fixture
def convert(dom0: Dom0) -> Convert:
    """Convert one config; return the ISO, named as the config is."""

    def run(config: Path) -> Path:
        options = ("--mode", "hvm", "--xen", "4.17", "--shim-args", LOG_ARGS)
        result = dom0.run("convert", config, *options)
        assert result.code == 0, result.err
        return dom0.out / f"{config.stem}.iso"

    return run
