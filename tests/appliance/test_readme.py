"""README's three uses: the commands shown there, run, and what they leave, opened.

Below each heading the first fenced block holds the commands, the second what one should see.
"""

import re
import shutil
from pathlib import Path

import pytest

from tests.appliance import busybox
from tests.appliance.conftest import Dist
from tests.appliance.engines import Engine, run
from tests.support.cli import shimtool_cli
from tests.support.debs import ROOT
from tests.support.dom0 import Dom0
from tests.support.samples import CONVERTIBLE, REFUSED

pytestmark = pytest.mark.appliance

README = ROOT / "README.md"


def use(heading: str) -> tuple[str, str]:
    """The commands below a heading of README, and the lines that they should show.

    What comes after those is other tests' (test_disks.py).
    """
    found = re.search(rf"^### {heading}\n(.*?)(?=^##)", README.read_text(), re.M | re.S)
    assert found, f"README has no heading {heading!r}"
    commands, shown, *_others = re.findall(r"^```\n(.*?)^```", found[1], re.M | re.S)
    return commands, shown


def assert_shown(shown: str, printed: str) -> None:
    """The lines are printed just so, but for the shim's name: Debian updates it."""
    shim = re.search(r"shim (\S+)\)", printed)
    assert shim, printed
    assert re.sub(r"shim \S+\)", f"shim {shim[1]})", shown) in printed


def assert_whole(out: Path, *names: str) -> None:
    checked = shimtool_cli("verify", "--out", out, *(out / f"{name}.cfg" for name in names))
    assert checked.code == 0, checked.err


def test_once_in_a_container(engine: Engine, image: str, dom0: Dom0) -> None:
    """As it stands, but for the folders; podman takes the same words as docker."""
    commands, shown = use("Once, in a container")
    for path, here in (
        *(("/etc/xen", dom0.configs), ("/boot", dom0.boot)),
        ("/var/lib/xen/shimtool", dom0.out),
    ):
        assert f"-v {path}:" in commands
        commands = re.sub(rf"(?<=\s){path}(?=[:\s])", str(here), commands)
    for name in REFUSED:
        (dom0.configs / f"{name}.cfg").unlink()
    commands = commands.replace("docker ", f"{engine.program} ")
    done = run(["sh", "-e", "-c", f'{commands}\necho "ran $image"'], engine.env, ROOT)
    assert done.code == 0, done.err
    assert f"ran {image}\n" in done.out
    assert_shown(shown, done.out)
    assert_whole(dom0.out, *CONVERTIBLE)


def test_from_a_stick(dist: Dist, tmp_path: Path) -> None:
    """Word for word, on a dom0 that has busybox and nothing else."""
    commands, shown = use("From a stick, on a dom0 without network")
    root = tmp_path / "dom0"
    busybox.make_root(root, (*busybox.APPLETS, "xzcat"))
    shutil.copytree(dist.folder, root / "media/stick/dist")
    with busybox.mounted(root):
        done = busybox.on_dom0(root, "sh", "-e", "-c", commands)
    assert done.code == 0, done.err
    for name in ("shimtool", "INSTALL", dist.archive.name):
        assert f"{name}: OK\n" in done.out
    for name in (*CONVERTIBLE, *REFUSED):
        assert f"/etc/xen/{name}.cfg" in done.out
    assert_shown(shown, done.out)
    out = root / "var/lib/xen/shimtool"
    assert_whole(out, "web01")
    assert not (out / "db01.cfg").exists()


def test_as_a_ci_job(docker: Engine, ci_image: str, repository: Path) -> None:
    commands, shown = use("As a CI job")

    def job() -> tuple[int, str]:
        done = docker.once(
            ci_image,
            *("sh", "-e", "-c", commands),
            volumes={repository: "/builds/guests"},
            working_dir="/builds/guests",
            read_only=False,
        )
        return done.code, done.out

    code, printed = job()
    assert code == 0, printed
    assert shown in printed
    assert_whole(repository / "converted", *CONVERTIBLE)
    (repository / "guests/bad.cfg").write_text('name="bad"\nmemory=256\nkernel="/boot/none"\n')
    code, printed = job()
    assert code == 1, printed
