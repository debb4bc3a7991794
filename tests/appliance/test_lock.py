"""requirements.txt of the image against pyproject.toml."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.debs import ROOT

IMAGE = ROOT / "container" / "image"
LOCK = (IMAGE / "requirements.txt").read_text()


def test_every_dependency_is_pinned_as_it_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^(\S+)==(\S+) \\$", LOCK, re.M)
    }
    for wanted in map(Requirement, project["dependencies"]):
        version = pinned[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), wanted


def test_every_pin_has_a_hash() -> None:
    assert len(re.findall(r"==", LOCK)) == len(
        re.findall(r"--hash=sha256:[0-9a-f]{64}$", LOCK, re.M)
    )


@pytest.mark.appliance
@pytest.mark.parametrize("library", ["pycdlib", "shellingham"], ids=["named", "needed by typer"])
def test_no_image_without_a_library(tmp_path: Path, library: str) -> None:
    """The build stops, and says what is missing and what to do."""
    for part in ("container", "shimtool"):
        shutil.copytree(ROOT / part, tmp_path / part)
    for file in ("pyproject.toml", "Containerfile", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path)
    lock = re.sub(rf"^{library}==.*\n.*\n", "", LOCK, flags=re.M)
    assert lock != LOCK
    (tmp_path / "container/image/requirements.txt").write_text(lock)
    done = subprocess.run(
        [tmp_path / "container/image/make-context", tmp_path / "made", ROOT / "build/assets"],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert library in done.stderr
    assert "run container/image/update-lock" in done.stderr
    assert not (tmp_path / "made").exists()
