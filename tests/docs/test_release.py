"""One version everywhere, and `.ci/release` which hands it out only from its tag."""

import re
import subprocess
from datetime import date
from pathlib import Path

import pytest
import yaml

from shimtool import __version__
from tests.support.debs import ROOT
from tests.support.pages import TEXTS

WORKFLOW = ROOT / ".github/workflows/release.yml"
NAMING = [*TEXTS.values(), *(ROOT / "container/ci-examples").iterdir()]
RELEASE = ".ci/release"


@pytest.mark.parametrize("path", NAMING, ids=lambda path: path.name)
def test_texts_name_this_version(path: Path) -> None:
    """In names of images, archives, packages and tags."""
    named = re.findall(r"(?:shimtool(?:-ci)?[:_-]| v)(\d+\.\d+\.\d+)", path.read_text())
    assert {*named} <= {__version__}


def test_the_changelog_has_its_date() -> None:
    heads = re.findall(r"^## (.*)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    dated = [head.split(" - ") for head in heads if head != "Unreleased"]
    assert dated[0][0] == __version__
    for _version, day in dated:
        date.fromisoformat(day)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with what the release looks at first, and no Makefile to go on with."""
    for name in (RELEASE, "CHANGELOG.md", "shimtool/__init__.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes())
        path.chmod(0o755)
    git(tmp_path, "init", "-q")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *words: str) -> None:
    about = ("-c", "user.name=n", "-c", "user.email=e")
    subprocess.run(["git", "-C", folder, *about, *words], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "change")


def refusal(folder: Path) -> str:
    done = subprocess.run([folder / RELEASE], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    return done.stderr


def test_only_the_tagged_commit_is_released(checkout: Path) -> None:
    assert f"not tagged v{__version__}" in refusal(checkout)
    git(checkout, "tag", f"v{__version__}")
    assert "release: " not in refusal(checkout)  # but make's: there is no Makefile
    (checkout / "new").touch()
    assert "the checkout has changes" in refusal(checkout)
    commit(checkout)
    assert "not tagged" in refusal(checkout)


def test_a_changelog_without_date_is_refused(checkout: Path) -> None:
    changes = checkout / "CHANGELOG.md"
    changes.write_text(re.sub(r"^## .*", "## Unreleased", changes.read_text(), count=1, flags=re.M))
    commit(checkout)
    git(checkout, "tag", f"v{__version__}")
    assert f"begins with 'Unreleased': it wants '{__version__} - YYYY-MM-DD'" in refusal(checkout)


def test_the_workflow_runs_what_is_here() -> None:
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    scripts = "\n".join(step.get("run", "") for step in job["steps"])
    assert set(re.findall(r"^ *(\.ci/\w+)$", scripts, re.M)) == {".ci/run", RELEASE}
