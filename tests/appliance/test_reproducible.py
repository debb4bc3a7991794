"""Same inputs, same image: two builds from nothing, in folders of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.debs import ROOT

pytestmark = pytest.mark.appliance

IMAGE = ROOT / "container" / "image"


def build(folder: Path) -> str:
    """Prepare a context and build the appliance; return the image's ID."""
    env = {**os.environ, "PYTHON": sys.executable}
    context = folder / "context"
    assets = ROOT / "build" / "assets"
    for program, *words in (("make-context", context, assets), ("build", context, "appliance")):
        subprocess.run([IMAGE / program, *words], env=env, check=True, capture_output=True)
    engine, identity = (folder / "context.appliance").read_text().split()
    if engine == "docker":
        pytest.skip("docker's builders keep the time of the build")
    return identity


def test_two_builds_are_one_image(tmp_path: Path) -> None:
    folders = (tmp_path / "one", tmp_path / "another")
    first, second = map(build, folders)
    assert first == second
