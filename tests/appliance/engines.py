"""Container engines for tests: private ones on sockets of their own, or the user's docker."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import docker
from docker.errors import DockerException

from shimtool.mounts import read_mounts
from tests.support.cli import Result

SECONDS = 900  # for anything that may hang: none takes long, but other work may be in the way
# As README and INSTALL recommend.
CONFINED: Mapping[str, Any] = {
    "network_mode": "none",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
}


@dataclass(frozen=True)
class Engine:
    """An engine that answers: `program` is its command, to be run with `env`."""

    program: str
    client: docker.DockerClient
    env: Mapping[str, str]

    def load(self, archive: Path) -> str:
        """Load an archive with the engine's own command; return the image's name."""
        done = subprocess.run(
            [self.program, "load", "-i", archive],
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.rpartition(": ")[2].strip()

    def once(
        self,
        image: str,
        *words: str,
        volumes: Mapping[Path, str] = MappingProxyType({}),
        **more: object,
    ) -> Result:
        """Run a container once, confined; `volumes` maps folders here to "/INSIDE[:ro]"."""
        made = self.client.containers.create(
            image, list(words), volumes=binds(volumes), **{**CONFINED, **more}
        )
        try:
            made.start()
            code = made.wait(timeout=SECONDS)["StatusCode"]
            return Result(
                code,
                made.logs(stdout=True, stderr=False).decode(),
                made.logs(stdout=False, stderr=True).decode(),
            )
        finally:
            made.remove(force=True)


def run(argv: Sequence[str | Path], env: Mapping[str, str], cwd: Path) -> Result:
    """Run a program as a user would, whatever its exit code."""
    done = subprocess.run(
        argv, env=env, cwd=cwd, capture_output=True, text=True, check=False, timeout=SECONDS
    )
    return Result(done.returncode, done.stdout, done.stderr)


def binds(volumes: Mapping[Path, str]) -> list[str]:
    """Write volumes as `-v` does."""
    return [f"{here}:{inside}" for here, inside in volumes.items()]


@contextmanager
def docker_engine(home: Path) -> Iterator[Engine]:
    """The user's docker if it answers, else one of our own in `home`, stopped at the end."""
    with suppress(DockerException):
        client = docker.from_env(timeout=SECONDS)
        client.ping()
        yield Engine("docker", client, dict(os.environ))
        return
    socket = f"unix://{home}/docker.sock"
    daemon = [
        *("dockerd", "-H", socket, "--data-root", home / "data", "--exec-root", home / "exec"),
        *("--pidfile", home / "pid", "--bridge=none", "--iptables=false", "--ip6tables=false"),
    ]
    try:
        with _running(daemon, home / "log", dict(os.environ)) as process:
            client = _client(socket, home, process)
            yield Engine("docker", client, {**os.environ, "DOCKER_HOST": socket})
    finally:
        _unmount_below(home)


def _unmount_below(home: Path) -> None:
    """dockerd mounts its folder onto itself where mounts are private, and may leave that."""
    points = [mount.point for mount in read_mounts() if mount.point.startswith(f"{home}/")]
    for point in reversed(points):
        subprocess.run(["umount", "--lazy", point], check=True)


@contextmanager
def podman_engine(home: Path) -> Iterator[Engine]:
    """Podman with storage of its own in `home`, as command and as docker-compatible service."""
    (home / "containers.conf").write_text(_PODMAN)
    (home / "storage.conf").write_text(_STORAGE.format(home=home))
    env = {
        **os.environ,
        "CONTAINERS_CONF": f"{home}/containers.conf",
        "CONTAINERS_STORAGE_CONF": f"{home}/storage.conf",
    }
    socket = f"unix://{home}/podman.sock"
    with _running(
        ["podman", "system", "service", "--time=0", socket], home / "log", env
    ) as process:
        yield Engine("podman", _client(socket, home, process), env)
        subprocess.run(["podman", "system", "reset", "--force"], env=env, check=True)


# What podman may set without CAP_SYS_RESOURCE, and a runtime for the older cgroups.
_PODMAN = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
"""
_STORAGE = '[storage]\ndriver = "overlay"\ngraphroot = "{home}/graph"\nrunroot = "{home}/run"\n'


@contextmanager
def _running(
    argv: list[Any], log: Path, env: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("wb") as output:
        daemon = subprocess.Popen(argv, env=env, stdout=output, stderr=output)
        try:
            yield daemon
        finally:
            daemon.terminate()
            daemon.wait(SECONDS)


def _client(socket: str, home: Path, daemon: "subprocess.Popen[bytes]") -> docker.DockerClient:
    """Wait until the daemon answers."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        assert daemon.poll() is None, (home / "log").read_text()
        with suppress(DockerException):
            client = docker.DockerClient(base_url=socket, timeout=SECONDS)
            client.ping()
            return client
        time.sleep(0.25)
    raise AssertionError(f"no answer at {socket}:\n{(home / 'log').read_text()}")
