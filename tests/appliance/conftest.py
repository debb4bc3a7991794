"""What the tests share: the tarball of `make dist`, engines with its image loaded, a dom0."""

import json
import lzma
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.appliance.engines import Engine, docker_engine, podman_engine, run
from tests.support.cli import Result
from tests.support.debs import ROOT
from tests.support.dom0 import Dom0
from tests.support.own_folder import folder_of_root
from tests.support.samples import REFUSED, write_samples


@dataclass(frozen=True)
class Dist:
    """What `make dist` wrote."""

    folder: Path
    archive: Path
    launcher: Path

    def member(self, name: str) -> bytes:
        with tarfile.open(self.archive) as archive:
            file = archive.extractfile(name)
            assert file
            return file.read()

    @property
    def manifest(self) -> dict[str, str]:
        (image,) = json.loads(self.member("manifest.json"))
        assert isinstance(image, dict)
        return image

    @property
    def image_id(self) -> str:
        return self.manifest["Config"].removesuffix(".json")


@pytest.fixture(scope="session")
def dist() -> Dist:
    folder = ROOT / "build" / "dist"
    assert (folder / "SHA256SUMS").is_file(), "run make dist"
    (archive,) = folder.glob("shimtool-*.tar.xz")
    return Dist(folder, archive, folder / "shimtool")


@pytest.fixture(scope="session")
def plain_archive(dist: Dist, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive without xz."""
    path = tmp_path_factory.mktemp("plain") / dist.archive.stem
    path.write_bytes(lzma.decompress(dist.archive.read_bytes()))
    return path


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    prefix = "shimtool-docker-"
    with tempfile.TemporaryDirectory(prefix=prefix) as home, docker_engine(Path(home)) as engine:
        yield engine


@pytest.fixture(scope="session")
def podman() -> Iterator[Engine]:
    prefix = "shimtool-podman-"
    with tempfile.TemporaryDirectory(prefix=prefix) as home, podman_engine(Path(home)) as engine:
        yield engine


@pytest.fixture(scope="session", params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Engine)
    return found


@contextmanager
def loaded(engine: Engine, archive: Path) -> Iterator[str]:
    """The name of an image loaded from an archive; removed if it was not there before."""
    before = {image.id for image in engine.client.images.list()}
    name = engine.load(archive)
    yield name
    if engine.client.images.get(name).id not in before:
        engine.client.images.remove(name, force=True)


@pytest.fixture(scope="session")
def docker_image(docker: Engine, dist: Dist) -> Iterator[str]:
    with loaded(docker, dist.archive) as name:
        yield name


@pytest.fixture(scope="session")
def podman_image(podman: Engine, dist: Dist) -> Iterator[str]:
    with loaded(podman, dist.archive) as name:
        yield name


@pytest.fixture
def image(engine: Engine, request: pytest.FixtureRequest) -> str:
    """The image's name in `engine`."""
    return str(request.getfixturevalue(f"{engine.program}_image"))


@pytest.fixture
def dom0(tmp_path: Path) -> Dom0:
    """The sample guests, and an empty folder for outputs."""
    write_samples(tmp_path)
    (tmp_path / "out").mkdir()
    return Dom0(tmp_path)


Launch = Callable[..., Result]


@pytest.fixture(scope="session")
def cache() -> Iterator[Path]:
    """Where the image is unpacked without an engine: once for all tests."""
    with folder_of_root() as folder:
        yield folder


@pytest.fixture(params=["docker", "podman", "none"])
def environ(request: pytest.FixtureRequest, cache: Path) -> dict[str, str]:
    """The launcher's environment, with each engine."""
    if request.param != "none":
        engine = request.getfixturevalue(request.param)
        return {**engine.env, "SHIMTOOL_ENGINE": request.param}
    return without_engine(cache)


def without_engine(cache: Path) -> dict[str, str]:
    """The launcher's environment where there is no engine, and the image is unpacked in `cache`."""
    return {**os.environ, "SHIMTOOL_CACHE": str(cache), "SHIMTOOL_ENGINE": "none"}


@pytest.fixture
def launch(environ: dict[str, str], dist: Dist, dom0: Dom0) -> Launch:
    """Run the launcher in the folder of the configs."""
    return lambda *words: run([dist.launcher, *map(str, words)], environ, dom0.configs)


@pytest.fixture(scope="session")
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
