"""podman without root: the tarball loaded and run by a user who is nobody else."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.conftest import Dist
from tests.appliance.engines import run
from tests.support.cli import Result, shimtool_cli
from tests.support.samples import CONVERTIBLE, write_samples

pytestmark = pytest.mark.appliance

USER = "shimtool-test"
# vfs: overlay without root needs more of the kernel than every machine has.
CONF = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
"""
STORAGE = '[storage]\ndriver = "vfs"\ngraphroot = "{home}/graph"\nrunroot = "{home}/run"\n'


@pytest.fixture
def home() -> Iterator[Path]:
    """The home of a user made for this test, with sub-ids of its own (useradd gives them)."""
    folder = Path(tempfile.mkdtemp(prefix="shimtool-rootless-"))
    subprocess.run(["useradd", "--no-create-home", "--home-dir", folder, USER], check=True)
    try:
        yield folder
    finally:
        podman(folder, "system", "reset", "--force")
        # What keeps the user's namespace for later runs.
        subprocess.run(["pkill", "-KILL", "-u", str(pwd.getpwnam(USER).pw_uid)], check=False)
        subprocess.run(["userdel", "--force", USER], check=True, capture_output=True)
        shutil.rmtree(folder)


def podman(home: Path, *words: str | Path) -> Result:
    return as_user(home, "podman", *words)


def as_user(home: Path, *words: str | Path) -> Result:
    env = {
        "SHIMTOOL_ENGINE": "podman",
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_RUNTIME_DIR": f"{home}/runtime",
        "CONTAINERS_CONF": f"{home}/containers.conf",
        "CONTAINERS_STORAGE_CONF": f"{home}/storage.conf",
    }
    user = pwd.getpwnam(USER)
    become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return run([*become, *words], env, home)


def test_the_main_job(home: Path, dist: Dist) -> None:
    write_samples(home)
    for folder in ("out", "runtime"):
        (home / folder).mkdir()
    (home / "containers.conf").write_text(CONF)
    (home / "storage.conf").write_text(STORAGE.format(home=home))
    shutil.copy(dist.archive, home)
    subprocess.run(["chown", "-R", f"{USER}:", home], check=True)
    loaded = podman(home, "load", "-i", home / dist.archive.name)
    assert loaded.code == 0, loaded.err
    volumes = [f"-v={home}/etc-xen:/in:ro", f"-v={home}/boot:/kernels:ro", f"-v={home}/out:/out"]
    done = podman(
        home,
        *("run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", *volumes),
        loaded.out.rpartition("Loaded image: ")[2].strip(),
    )
    for name in CONVERTIBLE:
        assert f"{name}: converted" in done.out, done.err
    assert (home / "out/web01.iso").stat().st_uid == pwd.getpwnam(USER).pw_uid
    out = home / "out"
    checked = shimtool_cli("verify", "--out", out, *(out / f"{name}.cfg" for name in CONVERTIBLE))
    assert checked.code == 0, checked.err


def test_the_launcher(home: Path, dist: Dist) -> None:
    """It shows the container what this user may see of dom0, and writes as him."""
    write_samples(home)
    (home / "runtime").mkdir()
    (home / "containers.conf").write_text(CONF)
    (home / "storage.conf").write_text(STORAGE.format(home=home))
    shutil.copytree(dist.folder, home / "dist")
    subprocess.run(["chown", "-R", f"{USER}:", home], check=True)
    words = ("--out", home / "made", "--map", f"/boot={home}/boot", "--in", home / "etc-xen")
    done = as_user(home, home / "dist/shimtool", "convert", *words)
    for name in CONVERTIBLE:
        assert f"{name}: converted" in done.out, done.err
    assert (home / "made/web01.iso").stat().st_uid == pwd.getpwnam(USER).pw_uid
    assert (
        as_user(home, home / "dist/shimtool", "verify", *words[:2], home / "made/web01.cfg").code
        == 0
    )
