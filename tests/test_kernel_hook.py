"""What dom0 may link: stale guests made again after a kernel package, and a daily look at them.

Debian's own maintainer script of a kernel package, run-parts and kernel-install call it; of dom0
only folders are ours, and the launcher is this checkout's shimtool.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import debs
from tests.support.debs import ROOT
from tests.support.dom0 import Dom0
from tests.support.kernel_builder import small_kernel
from tests.support.pages import PAGES

PARTS = ROOT / "container" / "dom0"
UNITS = sorted(PARTS.glob("shimtool-status.*"))
Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """As make dist and make deb lay it out; with stand-ins for what is about modules and links."""
    folder = tmp_path / "opt"
    shutil.copytree(PARTS, folder / "dom0")
    program = f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m shimtool "$@"\n'
    others = dict.fromkeys(("depmod", "linux-update-symlinks"), "#!/bin/sh\n")
    others["mail"] = f'#!/bin/sh\n{{ echo "$@"; cat; }} > {tmp_path}/mail\n'
    for name, text in {
        "shimtool": program,
        **{f"bin/{name}": t for name, t in others.items()},
    }.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return folder


@pytest.fixture
def shell(installed: Path, dom0: Dom0) -> Shell:
    def run(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        path = f"{installed / 'bin'}:{os.environ['PATH']}"
        environ = {
            "PATH": path,
            "SHIMTOOL_OUT": str(dom0.out),
            "SHIMTOOL_DEFAULTS": "/none",
            **more,
        }
        return subprocess.run(words, env=environ, capture_output=True, text=True, check=False)

    return run


def upgraded(dom0: Dom0) -> None:
    """What the package's files do: another kernel of the same name."""
    (dom0.boot / "vmlinuz-guest").write_bytes(small_kernel(b"another"))


def states(dom0: Dom0) -> list[str]:
    rows = dom0.run("status").out.splitlines()[1:]
    return [re.split("  +", row)[1] for row in rows]


def maintainer_script(folder: Path) -> Path:
    """That of Debian's current kernel, which runs the hooks in `folder` instead of dom0's."""
    package = debs.deb(debs.kernel_package())
    text = subprocess.run(
        ["dpkg-deb", "-I", package, "postinst"], check=True, capture_output=True, text=True
    ).stdout
    assert "run-parts" in text
    script = folder.parent / "postinst"
    script.write_text(text.replace("/etc/kernel/postinst.d", str(folder)))
    return script


def test_debians_kernel_package_makes_stale_guests_again(
    dom0: Dom0, installed: Path, shell: Shell, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        dom0.guest(name)
    dom0.guest("never-converted")
    configs = [dom0.configs / f"{name}.cfg" for name in ("one", "two")]
    assert dom0.run("convert", *configs).code == 0
    hooks = tmp_path / "postinst.d"
    hooks.mkdir()
    script = maintainer_script(hooks)
    upgraded(dom0)
    done = shell("sh", "-e", script, "configure", "6.1.0")
    assert (done.returncode, done.stderr) == (0, ""), "off until the admin links it"
    assert states(dom0) == ["stale", "stale"]
    (hooks / "zz-shimtool").symlink_to(installed / "dom0/kernel-hook")
    done = shell("sh", "-e", script, "configure", "6.1.0")
    assert done.returncode == 0, done
    assert "2 converted" in done.stderr
    assert states(dom0) == ["up to date", "up to date"]


def test_kernel_install_does_too(dom0: Dom0, installed: Path, shell: Shell, tmp_path: Path) -> None:
    dom0.guest("one")
    assert dom0.run("convert").code == 0
    upgraded(dom0)
    plugins = tmp_path / "install.d"
    plugins.mkdir()
    (plugins / "95-shimtool.install").symlink_to(installed / "dom0/kernel-hook")
    script = 'mount --bind "$0" /etc/kernel/install.d && exec "$@"'
    through = ["unshare", "-m", "--propagation", "unchanged", "sh", "-c", script, plugins]
    settings = {"MACHINE_ID": "0" * 32, "BOOT_ROOT": str(tmp_path / "efi")}
    done = shell(*through, "kernel-install", "remove", "6.1.0", **settings)
    assert (done.returncode, states(dom0)) == (0, ["stale"]), done
    kernel = dom0.boot / "vmlinuz-guest"
    done = shell(*through, "kernel-install", "add", "6.1.0", kernel, **settings)
    assert (done.returncode, states(dom0)) == (0, ["up to date"]), done


def test_it_never_fails(dom0: Dom0, installed: Path, shell: Shell) -> None:
    hook = installed / "dom0/kernel-hook"
    assert shell(hook, "6.1.0", "/boot/vmlinuz").stderr == "", "nothing was converted"
    dom0.guest("one")
    assert dom0.run("convert").code == 0
    (dom0.boot / "vmlinuz-guest").write_bytes(b"no kernel")
    done = shell(hook, "6.1.0", "/boot/vmlinuz")
    assert done.returncode == 0
    assert "not every guest could be made again" in done.stderr
    (installed / "shimtool").unlink()
    done = shell(hook, "6.1.0", "/boot/vmlinuz")
    assert done.returncode == 0
    assert "there is no shimtool" in done.stderr


def test_in_place_stays_in_place(dom0: Dom0, installed: Path, shell: Shell) -> None:
    """Each guest is converted with the options that it had."""
    dom0.guest("one")
    dom0.guest("two")
    one, two = (dom0.configs / f"{name}.cfg" for name in ("one", "two"))
    original = two.read_bytes()
    assert dom0.run("convert", "--in-place", one).code == 0
    assert dom0.run("convert", two).code == 0
    upgraded(dom0)
    assert shell(installed / "dom0/kernel-hook", "6.1.0", "/boot/vmlinuz").returncode == 0
    assert states(dom0) == ["up to date", "up to date"]
    assert b"added by shimtool" in one.read_bytes()
    assert two.read_bytes() == original


def test_the_daily_look_is_mailed_when_a_guest_is_stale(
    dom0: Dom0, installed: Path, shell: Shell, tmp_path: Path
) -> None:
    program = installed / "dom0/status-mail"
    assert shell(program).returncode == 0
    dom0.guest("one")
    assert dom0.run("convert").code == 0
    assert shell(program).returncode == 0
    assert not (tmp_path / "mail").exists()
    upgraded(dom0)
    done = shell(program, "admin@example.org")
    assert done.returncode == 1
    assert "was replaced" in done.stdout
    mailed = (tmp_path / "mail").read_text()
    assert "guests to make again admin@example.org" in mailed
    assert "was replaced" in mailed


def test_the_manual_links_what_is_there() -> None:
    """In the folder of make dist; tests/appliance/test_deb.py has the package's."""
    shown = PAGES["how-it-works"].read_text()
    linked = re.findall(r"^systemctl link (\S+) (\S+)$", shown, re.M)
    assert linked == [tuple(f"/opt/shimtool/dom0/{unit.name}" for unit in UNITS)]
    names = re.findall(r"^ln -s \S+/kernel-hook /etc/kernel/(\S+)$", shown, re.M)
    said = (PARTS / "kernel-hook").read_text()
    assert len(names) == 2
    for name in names:
        assert f"ln -s FOLDER/kernel-hook /etc/kernel/{name}" in said


def test_systemd_takes_the_units(installed: Path) -> None:
    units = [installed / "dom0" / unit.name for unit in UNITS]
    for unit in units:
        unit.write_text(unit.read_text().replace("@FOLDER@", str(installed / "dom0")))
    subprocess.run(["systemd-analyze", "verify", "--man=no", *units], check=True)
