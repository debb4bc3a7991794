"""The Containerfile under the other builders: docker's old one, BuildKit, podman."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from shimtool import __version__
from tests.appliance.engines import Engine
from tests.support.debs import ROOT

pytestmark = pytest.mark.appliance

CONTEXT = ROOT / "build" / "image" / "context"
BUILD = ROOT / "container" / "image" / "build"


def build(folder: Path, target: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Build a target from the context of `make image`; what is noted goes to `folder`."""
    context = folder / "context"
    if not context.is_symlink():
        context.symlink_to(CONTEXT)
    return subprocess.run(
        [BUILD, context, target],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("builder", ["docker", "buildkit", "podman"])
def test_both_targets(request: pytest.FixtureRequest, builder: str, tmp_path: Path) -> None:
    """ci stands on BASE_IMAGE, here one that the engine has: it copies and runs nothing of it."""
    kind = "podman" if builder == "podman" else "docker"
    engine: Engine = request.getfixturevalue(kind)
    env = {**engine.env, "ENGINE": kind, "BASE_IMAGE": request.getfixturevalue(f"{kind}_image")}
    env["DOCKER_BUILDKIT"] = "1" if builder == "buildkit" else "0"
    # Debian's own client, which speaks BuildKit; newer ones want a plugin for it.
    env["PATH"] = f"/usr/bin:{env['PATH']}"
    for target in ("appliance", "ci"):
        done = build(tmp_path, target, env)
        assert done.returncode == 0, done.stderr
        identity = (tmp_path / f"context.{target}").read_text().split()[1]
        entrypoint = None if target == "appliance" else ["/usr/bin/python3.11", "-m", "shimtool"]
        shown = engine.once(identity, "--version", entrypoint=entrypoint)
        assert shown.out == f"shimtool {__version__}\n", shown.err
    log = (tmp_path / "context.log").read_text()
    assert ("#1 " in log) == (builder == "buildkit")


def test_ci_is_reproducible_on_one_base(tmp_path: Path) -> None:
    """The base of `make image`, asked for by its name, gives that image again, to the byte.

    By another name it would not: buildah notes what FROM said in the image's history.
    """
    engine, before = (ROOT / "build/image/context.ci").read_text().split()
    if engine == "docker":
        pytest.skip("docker's builders keep the time of the build")
    inspect = [engine, "inspect", "--type", "image"]
    public = subprocess.run([*inspect, "debian:12-slim"], capture_output=True, check=False)
    base = "localhost/shimtool-base:latest" if public.returncode else "debian:12-slim"
    done = build(tmp_path, "ci", {"ENGINE": engine, "BASE_IMAGE": base})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "context.ci").read_text().split() == [engine, before]


def test_a_base_that_is_nowhere(tmp_path: Path) -> None:
    engine, _ = (ROOT / "build/image/context.ci").read_text().split()
    done = build(tmp_path, "ci", {"ENGINE": engine, "BASE_IMAGE": "localhost/shimtool-none:1"})
    assert done.returncode == 1
    assert "cannot get BASE_IMAGE=localhost/shimtool-none:1" in done.stderr
