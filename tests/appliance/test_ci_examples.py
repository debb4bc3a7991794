"""The script lines of the CI examples, run in the image for pipelines."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.appliance.conftest import loaded
from tests.appliance.engines import Engine
from tests.support.debs import ROOT
from tests.support.dom0 import shimtool
from tests.support.samples import REFUSED, write_samples

pytestmark = pytest.mark.appliance

EXAMPLES = ROOT / "container" / "ci-examples"


@pytest.fixture(scope="module")
def ci_image(docker: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The image of `make image`, handed to docker from the engine that built it."""
    builder, identity = (ROOT / "build/image/context.ci").read_text().split()
    archive = tmp_path_factory.mktemp("ci") / "ci.tar"
    name = "localhost/shimtool-ci:test"
    save: dict[str, list[Any]] = {
        "buildah": ["buildah", "push", identity, f"docker-archive:{archive}:{name}"],
        "podman": ["podman", "save", "--format=docker-archive", "-o", archive, identity],
        "docker": ["docker", "save", "-o", archive, identity],
    }
    subprocess.run(save[builder], check=True, capture_output=True)
    with loaded(docker, archive) as loaded_name:
        yield loaded_name


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A checkout such as the examples speak of, with guests that can all be converted."""
    write_samples(tmp_path)
    (tmp_path / "etc-xen").rename(tmp_path / "guests")
    for name in REFUSED:
        (tmp_path / "guests" / f"{name}.cfg").unlink()
    return tmp_path


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
    checked = shimtool("verify", "--out", out, *sorted(out.glob("*.cfg")))
    assert checked.code == 0, checked.err
    shutil.rmtree(out)


def test_runners_may_start_it_with_a_shell_on_standard_input(docker: Engine, ci_image: str) -> None:
    """No entry point stands in the way: what is given is what runs."""
    done = docker.once(ci_image, "sh", "-c", "command -v shimtool && shimtool --version")
    assert done.code == 0, done.err
    assert done.out.startswith("/usr/local/bin/shimtool\nshimtool ")
    config = docker.client.images.get(ci_image).attrs["Config"]
    assert not config["Entrypoint"]
