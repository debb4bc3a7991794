"""Guests' disks, for --extract: dom0's block devices and image files, to read and no more."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.engines import Engine, run
from tests.support.cli import Result
from tests.support.dom0 import Dom0
from tests.support.pages import PAGES

pytestmark = pytest.mark.appliance

MARK = b"a guest's disk, sector 0"
PAGE = PAGES["air-gapped"].read_text()
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


def test_the_options_of_the_manual(engine: Engine, image: str, disk: str, dom0: Dom0) -> None:
    """On the command line: podman 4.3's docker-compatible service forgets the rule."""
    (options,) = re.findall(r"^docker run (.*--device-cgroup-rule.*) \.\.\.$", PAGE, re.M)
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
