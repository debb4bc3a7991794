"""`make wheel`: pip installs it anywhere; it asks for the assets, and works once it has them."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support.debs import ROOT
from tests.support.dom0 import Dom0
from tests.support.pages import DOCS

# One of pytest's workers takes them all: else each would make and install it.
pytestmark = pytest.mark.xdist_group("wheel")

MAKE = ROOT / "container" / "make-wheel"


def make(folder: Path) -> Path:
    environ = {**os.environ, "PYTHON": sys.executable, "SOURCE_DATE_EPOCH": "1764373200"}
    subprocess.run([MAKE, folder], check=True, env=environ)
    (wheel,) = folder.iterdir()
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("wheel") / "made")


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pip puts on PATH, in an environment that has nothing else."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-compile", str(wheel)], check=True)
    return folder / "bin" / "shimtool"


def run(
    program: Path, *words: str | Path, assets: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    environ = {"PATH": os.environ["PATH"], **({"SHIMTOOL_ASSETS": str(assets)} if assets else {})}
    return subprocess.run(
        [program, *words], cwd="/", env=environ, capture_output=True, text=True, check=False
    )


def test_what_is_in_it(wheel: Path, tmp_path: Path) -> None:
    """All of the program and its data, no byte code, no tests; made twice, the same bytes."""
    with zipfile.ZipFile(wheel) as file:
        names = {name for name in file.namelist() if ".dist-info/" not in name}
    there = {
        str(path.relative_to(ROOT))
        for suffix in ("json", "py", "yaml")
        for path in (ROOT / "shimtool").rglob(f"*.{suffix}")
    }
    assert names == there | {str(path.relative_to(ROOT)) for path in DOCS.glob("*.md")}
    assert make(tmp_path / "again").read_bytes() == wheel.read_bytes()


def test_without_assets_it_says_how_to_get_them(program: Path) -> None:
    assert run(program, "--help").returncode == 0
    assert run(program, "help", "keys").stdout.startswith("# shimtool-keys(5)\n")
    done = run(program, "shims", "list")
    assert done.returncode == 1
    assert "make assets" in done.stderr
    assert "SHIMTOOL_ASSETS" in done.stderr


def test_with_assets_it_converts(program: Path, dom0: Dom0) -> None:
    dom0.guest()
    done = run(program, *dom0.words("convert"), assets=ROOT / "build" / "assets")
    assert done.returncode == 0, done.stderr
    assert (dom0.out / "web01.iso").is_file()
