"""Guests' disks, for --extract: dom0's block devices and image files, to read and no more."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.conftest import Dist
from tests.appliance.engines import Engine, run
from tests.support.cli import Result
from tests.support.debs import ROOT
from tests.support.dom0 import Dom0

pytestmark = pytest.mark.appliance

MARK = b"a guest's disk, sector 0"
README = (ROOT / "README.md").read_text()
PYTHON = "/usr/bin/python3.11"
READ = "import sys; print(open(sys.argv[1], 'rb').read(24).decode())"
WRITE = "import sys; open(sys.argv[1], 'r+b')"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[str]:
    """A block device of dom0's, as any volume: a loop device."""
    image = tmp_path / "disk.img"
    image.write_bytes(MARK.ljust(1 << 20, b"\0"))
    attach = ["losetup", "--find", "--show", str(image)]
    device = subprocess.run(attach, capture_output=True, text=True, check=True).stdout.strip()
    yield device
    subprocess.run(["losetup", "--detach", device], check=True)


def test_the_options_of_the_readme(engine: Engine, image: str, disk: str, dom0: Dom0) -> None:
    """On the command line: podman 4.3's docker-compatible service forgets the rule."""
    (options,) = re.findall(r"^docker run (.*--device-cgroup-rule.*) \.\.\.$", README, re.M)
    base = [engine.program, "run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL"]
    given = shlex.split(options)

    def inside(program: str, *more: str) -> Result:
        command = [*base, *more, "--entrypoint", PYTHON, image, "-I", "-B", "-c"]
        return run([*command, program, f"/dom0{disk}"], engine.env, dom0.root)

    read = inside(READ, *given)
    assert read.out.strip() == MARK.decode(), read.err
    assert "PermissionError" in inside(WRITE, *given).err
    refused = inside(READ, "-v", "/dev:/dom0/dev:ro")
    assert "Operation not permitted" in refused.err  # the rule is what allows it
    shown = run([*base, *given, image, "host"], engine.env, dom0.root)
    assert re.search(r"/dev\b.*/dom0/dev", shown.out), shown.err


@pytest.mark.parametrize("kind", ["docker", "podman", "chroot"])
def test_the_launcher_gives_them(
    request: pytest.FixtureRequest, kind: str, dist: Dist, disk: str, dom0: Dom0
) -> None:
    """With SHIMTOOL_DISKS: seen by a program in the place of shimtool, in the image's own Python.

    `-v` puts it over the entry point's module, and nothing over the byte code.
    """
    images = dom0.root / "images"
    images.mkdir()
    (images / "web.img").write_bytes(MARK)
    os.chown(images / "web.img", 107, 107)
    (images / "web.img").chmod(0o600)
    dom0.config(
        "disk.cfg", f'name="d"\ndisk=["file:{images}/web.img,xvda,w",\n"phy:{disk},xvdb,r"]'
    )
    probe = dom0.root / "probe.py"
    probe.write_text(
        "import sys\n"
        "print([word for word in sys.argv if '/dev' in word])\n"
        f"print(open('/dom0{disk}', 'rb').read(24))\n"
        f"print(open('{images}/web.img', 'rb').read(24))\n"
    )
    code = "/usr/lib/python3/dist-packages/shimtool"
    (dom0.root / "none").mkdir()
    volumes = [f"{probe}:{code}/appliance.py:ro", f"{dom0.root}/none:{code}/__pycache__:ro"]
    env = {**os.environ, "SHIMTOOL_CACHE": str(dom0.root / "cache"), "SHIMTOOL_ENGINE": kind}
    if kind != "chroot":
        env |= request.getfixturevalue(kind).env
    words = ["-v", volumes[0], "-v", volumes[1], "scan", "--in", str(dom0.configs)]
    without = run([dist.launcher, *words], env, dom0.root)
    assert without.code == 1, without.out
    done = run([dist.launcher, *words], {**env, "SHIMTOOL_DISKS": "1"}, dom0.root)
    assert done.code == 0, done.err
    assert done.out.count(str(MARK)) == 2
    assert "--map=/dev=/dom0/dev" in done.out
    assert run([dist.launcher, *words, "--extract"], env, dom0.root).out == done.out
    assert str(dom0.root) not in Path("/proc/self/mountinfo").read_text()
