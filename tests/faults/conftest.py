"""A dom0 with small kernels, and a small shim, so that runs are quick."""

import hashlib
import shutil
from pathlib import Path

import pytest
import yaml

from shimtool.assets import VARIABLE, find_assets
from shimtool.shims.catalogue import FILE
from tests.faults.scenarios import CONVERT, Scenario, Trial
from tests.support.dom0 import Dom0


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    """Three guests, not converted yet."""
    return Trial(Dom0(tmp_path / "dom0"), Scenario((), CONVERT))


@pytest.fixture
def guests(tmp_path: Path) -> Trial:
    """Give the same to tests that look at what a run says, and not for each file it leaves."""
    return Trial(Dom0(tmp_path / "dom0"), Scenario((), CONVERT), rehearsed=False)


@pytest.fixture(scope="session")
def assets_with_a_small_shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the assets, of whose shims only the start is there, and the catalogue says so."""
    folder = tmp_path_factory.mktemp("small") / "assets"
    shutil.copytree(find_assets().root, folder)
    catalogue = folder / "shims" / FILE
    rows = yaml.safe_load(catalogue.read_text())
    for row in rows:
        path = catalogue.with_name(row["file"])
        data = path.read_bytes()[:300_000]
        path.write_bytes(data)
        row |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    catalogue.write_text(yaml.safe_dump(rows))
    return folder


@pytest.fixture
def small_shim(assets_with_a_small_shim: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the test's runs take that: for many runs where nothing boots, and no size matters.

    The same system calls are made on the same files as with a whole shim, of 6 MB; only to hash
    what is copied, there are fewer reads in a row.
    """
    monkeypatch.setenv(VARIABLE, str(assets_with_a_small_shim))
