"""The script lines of the CI examples, run in the image for pipelines."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.appliance.engines import Engine
from tests.support.cli import shimtool_cli
from tests.support.debs import ROOT

pytestmark = pytest.mark.appliance

EXAMPLES = ROOT / "container" / "ci-examples"


def gitlab_script() -> list[str]:
    (job,) = yaml.safe_load((EXAMPLES / "gitlab-ci.yml").read_text()).values()
    return list(job["script"])


def github_script() -> list[str]:
    workflow = yaml.safe_load((EXAMPLES / "github-workflow.yml").read_text())
    (job,) = workflow["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("script", [gitlab_script, github_script])
def test_the_script_converts(
    docker: Engine, ci_image: str, repository: Path, script: Callable[[], list[str]]
) -> None:
    lines = script()
    assert len(lines) > 1
    done = docker.once(
        ci_image,
        *("sh", "-e", "-c", "\n".join(lines)),
        volumes={repository: "/builds/guests"},
        working_dir="/builds/guests",
        read_only=False,
    )
    assert done.code == 0, done.err
    out = repository / "converted"
    checked = shimtool_cli("verify", "--out", out, *sorted(out.glob("*.cfg")))
    assert checked.code == 0, checked.err
    shutil.rmtree(out)


def test_runners_may_start_it_with_a_shell_on_standard_input(docker: Engine, ci_image: str) -> None:
    """No entry point stands in the way: what is given is what runs."""
    done = docker.once(ci_image, "sh", "-c", "command -v shimtool && shimtool --version")
    assert done.code == 0, done.err
    assert done.out.startswith("/usr/local/bin/shimtool\nshimtool ")
    config = docker.client.images.get(ci_image).attrs["Config"]
    assert not config["Entrypoint"]
