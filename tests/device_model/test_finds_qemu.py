"""Dom0's real QEMU is found wherever it lives: in a root of its own, holding only a shell."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.device_model.script_runner import SCRIPT, SHELLS, program, run_dm, shell_command

HOME = "/var/lib/xen/shimtool"
PLACES = [
    f"{HOME}/qemu-system-i386",
    "/usr/local/lib/xen/bin/qemu-system-i386",
    "/usr/lib64/xen/bin/qemu-system-i386",
    "/usr/lib/xen/bin/qemu-system-i386",
    "/usr/libexec/xen/bin/qemu-system-i386",
    "/usr/lib/xen-4.4/bin/qemu-system-x86_64",
    "/usr/lib/xen-4.17/bin/qemu-system-i386",
    "/usr/libexec/xen-qemu-system-i386",
    "/usr/bin/qemu-system-i386",
    "/usr/bin/qemu-system-x86_64",
]
SAY_NAME = '#!/bin/sh\necho "$0 $*"\n'


class Dom0:
    """A folder that serves as root: /bin/sh, the script, and what a test adds."""

    def __init__(self, root: Path, shell: str) -> None:
        self.root = root
        self.applet = SHELLS[shell][1:]
        binary = Path(shell_command(shell)[0]).resolve()
        linked = subprocess.run(["ldd", binary], capture_output=True, check=False, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", linked):
            self.copy(Path(library), library)
        self.copy(binary, "/bin/sh")  # busybox goes by the name it is called by
        self.copy(SCRIPT, f"{HOME}/shimtool-dm")

    def copy(self, source: Path, name: str) -> None:
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def start(self, **environment: str) -> subprocess.CompletedProcess[str]:
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        return subprocess.run(
            ["unshare", *user, f"--root={self.root}", f"{HOME}/shimtool-dm", "-m", "512"],
            env=environment,
            executable=shutil.which("unshare"),
            capture_output=True,
            check=False,
            text=True,
            timeout=900,
        )


@pytest.fixture
def dom0(tmp_path: Path, shell: str) -> Dom0:
    return Dom0(tmp_path / "root", shell)


def test_each_place(dom0: Dom0) -> None:
    for place in PLACES:
        real = program(dom0.path(place), SAY_NAME)
        done = dom0.start()
        assert (done.stdout, done.stderr, done.returncode) == (f"{place} -m 512\n", "", 0)
        real.unlink()


def test_xens_own_come_before_usr_bin(dom0: Dom0) -> None:
    for place in PLACES:
        program(dom0.path(place), SAY_NAME)
    found = []
    for _ in PLACES:
        place = dom0.start().stdout.split()[0]
        found.append(place)
        dom0.path(place).unlink()
    assert found[0] == f"{HOME}/qemu-system-i386"
    assert found[-2:] == ["/usr/bin/qemu-system-i386", "/usr/bin/qemu-system-x86_64"]
    assert sorted(found) == sorted(PLACES)


def test_only_a_program_will_do(dom0: Dom0) -> None:
    dom0.path("/usr/lib/xen/bin/qemu-system-i386").mkdir(parents=True)
    program(dom0.path("/usr/libexec/xen/bin/qemu-system-i386"), SAY_NAME).chmod(0o644)
    program(dom0.path("/usr/bin/qemu-system-i386"), SAY_NAME)
    assert dom0.start().stdout == "/usr/bin/qemu-system-i386 -m 512\n"


def test_none_anywhere(dom0: Dom0) -> None:
    done = dom0.start()
    assert (done.stdout, done.returncode) == ("", 1)
    for place in PLACES[:-5]:
        assert place.rpartition("/")[0] in done.stderr
    assert f"ln -s /path/to/qemu {HOME}/qemu-system-i386" in done.stderr
    assert len(done.stderr.splitlines()) == 2


def test_the_script_under_qemus_name_does_not_run_itself(dom0: Dom0) -> None:
    dom0.path(f"{HOME}/qemu-system-i386").symlink_to("shimtool-dm")
    done = dom0.start()
    assert (done.stdout, done.returncode) == ("", 1)
    assert f"{HOME}/qemu-system-i386 leads back to this script" in done.stderr


def test_the_override_wins(dom0: Dom0) -> None:
    program(dom0.path("/usr/bin/qemu-system-i386"), SAY_NAME)
    program(dom0.path("/opt/my qemu"), SAY_NAME)
    assert dom0.start(SHIMTOOL_QEMU="/opt/my qemu").stdout == "/opt/my qemu -m 512\n"


def test_a_wrong_override_is_said(shell: str, tmp_path: Path) -> None:
    for wrong in (tmp_path / "missing", tmp_path):
        outcome = run_dm(shell, ["-m", "512"], wrong)
        assert (outcome.code, outcome.arguments) == (1, [])
        assert f"SHIMTOOL_QEMU={wrong} is not a program" in outcome.errors


def test_an_override_that_comes_back_here_ends(shell: str, tmp_path: Path) -> None:
    wrapper = program(tmp_path / "wrapper", f'#!/bin/sh\n"{SCRIPT}" "$@"\n')
    outcome = run_dm(shell, ["-m", "512"], wrapper)
    assert outcome.code == 1
    assert f"{wrapper} leads back to this script" in outcome.errors
