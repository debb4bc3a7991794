"""The launcher of `make dist` on a dom0: with docker, with podman, and with neither."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from shimtool import __version__
from shimtool.cli.app import app
from tests.appliance import busybox
from tests.appliance.conftest import Dist, Launch
from tests.appliance.engines import Engine, run
from tests.support import debs
from tests.support.cli import Result, shimtool_cli
from tests.support.debs import ROOT
from tests.support.dom0 import Dom0
from tests.support.samples import CONVERTIBLE

pytestmark = pytest.mark.appliance


def mounts() -> str:
    return Path("/proc/self/mountinfo").read_text()


def options(dom0: Dom0) -> list[str]:
    return ["--out", str(dom0.root / "made"), "--map", f"/boot={dom0.boot}"]


def test_converts_one_guest(launch: Launch, dom0: Dom0, cache: Path) -> None:
    done = launch("convert", "web01.cfg", *options(dom0))
    assert done.code == 0, done.err
    out = dom0.root / "made"
    assert f"xl create {out}/web01.cfg" in done.out
    checked = shimtool_cli("verify", "--out", out, "--host-out", out, out / "web01.cfg")
    assert checked.code == 0, checked.err
    assert not (out / "db01.cfg").exists()
    assert launch("verify", "--out", str(out), f"{out}/web01.cfg").code == 0
    assert str(cache) not in mounts()
    assert not list(cache.glob("run.*"))
    assert not list(cache.glob("*.new.*"))


def test_without_a_command_it_shows_help(launch: Launch) -> None:
    done = launch()
    assert done.code == 0, done.err
    assert "Commands:" in done.out


def test_kernels_outside_of_boot_are_found(launch: Launch, dom0: Dom0) -> None:
    """Also through a link, and with a blank in the path."""
    kernels = dom0.root / "more kernels"
    kernels.mkdir()
    shutil.copy(debs.kernel(), dom0.root / "boot/k")
    (kernels / "k").symlink_to(dom0.root / "boot/k")
    dom0.config("odd.cfg", f'name="odd"\nmemory=256\n  kernel = "{kernels}/k"\n')
    done = launch("convert", "--in", str(dom0.configs), "--out", f"{dom0.root}/made", "odd.cfg")
    assert done.code == 0, done.err
    assert (dom0.root / "made/odd.iso").is_file()


def test_dash_v_gives_more(launch: Launch, dom0: Dom0) -> None:
    told = launch("scan", "--in", str(dom0.configs))
    assert "-v /boot:" in told.out
    done = launch("-v", f"{dom0.boot}:/kernels:ro", "scan", "--in", str(dom0.configs))
    assert done.code == 0, done.err
    (line,) = [line for line in done.out.splitlines() if line.startswith("web01")]
    assert " yes " in line


def test_in_place_and_back(launch: Launch, dom0: Dom0) -> None:
    config = dom0.configs / "web01.cfg"
    original = config.read_bytes()
    os.chown(config, 12, 34)
    done = launch("convert", "--in-place", "web01.cfg", *options(dom0))
    assert done.code == 0, done.err
    assert config.read_bytes() != original
    assert (config.stat().st_uid, config.stat().st_gid) == (12, 34)
    back = launch("restore", "--out", f"{dom0.root}/made", "web01.cfg")
    assert back.code == 0, back.err
    assert config.read_bytes() == original


def test_status_sees_what_was_read(launch: Launch, dom0: Dom0) -> None:
    done = launch("convert", "web01.cfg", *options(dom0))
    assert done.code == 0, done.err
    fresh = launch("status", "--out", f"{dom0.root}/made")
    assert fresh.code == 0, fresh.out
    next(dom0.boot.glob("vmlinuz-*")).open("ab").write(b"x")
    stale = launch("status", "--out", f"{dom0.root}/made")
    assert stale.code == 1
    assert "was replaced" in stale.out


def test_exit_codes_and_errors_come_through(launch: Launch, dom0: Dom0) -> None:
    refused = launch("convert", "gpu01.cfg", *options(dom0))
    assert refused.code == 1
    assert f"{dom0.configs}/gpu01.cfg:" in refused.err
    assert launch("convert", "--no-such-option").code == 2


def test_a_path_that_no_container_can_take(launch: Launch, dom0: Dom0) -> None:
    odd = dom0.root / "a:b"
    odd.mkdir()
    done = launch("scan", "--in", str(odd))
    assert done.code == 1
    assert "':'" in done.err


# --- a dom0 with nothing but busybox, at its usual paths -----------------------------------------


@pytest.fixture(params=["xz", "plain"])
def small(request: pytest.FixtureRequest, dist: Dist, plain_archive: Path, tmp_path: Path) -> Path:
    """The root of a dom0 made of busybox: no xz and no unshare in it for "plain"."""
    root = tmp_path / "small"
    more = ("unshare", "xzcat") if request.param == "xz" else ()
    busybox.make_root(root, (*busybox.APPLETS, *more))
    (root / "opt/shimtool").mkdir()
    shutil.copy(dist.launcher, root / "opt/shimtool")
    archive = dist.archive if request.param == "xz" else plain_archive
    os.link(archive, root / "opt/shimtool" / archive.name)
    (root / "vmlinuz").symlink_to("boot/vmlinuz")
    (root / "etc/xen/root.cfg").write_text('name="root"\nmemory=256\nkernel="/vmlinuz"\n')
    return root


def test_a_dom0_of_busybox(small: Path) -> None:
    """`shimtool convert /etc/xen/web01.cfg` just works, and so does it with no name at all."""
    before = mounts()

    def launched(*words: str) -> Result:
        return busybox.on_dom0(small, "/opt/shimtool/shimtool", *words)

    with busybox.mounted(small):
        done = launched("convert", "/etc/xen/web01.cfg", "/etc/xen/root.cfg")
        assert done.code == 0, done.err
        assert "xl create /var/lib/xen/shimtool/web01.cfg" in done.out
        rest = launched("convert", "--xen", "4.9.2")
        assert "2 refused" in rest.err, rest.err
        for name in (*CONVERTIBLE, "root"):
            assert (small / f"var/lib/xen/shimtool/{name}.iso").is_file()
        assert launched("--version").out == f"shimtool {__version__}\n"
    assert mounts() == before
    out = small / "var/lib/xen/shimtool"
    checked = shimtool_cli("verify", "--out", out, *(out / f"{name}.cfg" for name in CONVERTIBLE))
    assert checked.code == 0, checked.err


@pytest.mark.parametrize("shell", ["dash", "busybox sh", "bash --posix"])
def test_every_shell_reads_it(dist: Dist, docker: Engine, shell: str) -> None:
    done = run([*shell.split(), dist.launcher, "--version"], docker.env, dist.folder)
    assert done.out == f"shimtool {__version__}\n", done.err


def test_it_starts_what_the_image_starts(dist: Dist) -> None:
    """chroot has no image configuration to read; the launcher repeats it."""
    config = dist.member(f"{dist.image_id}.json").decode()
    for word in ("/usr/bin/python3.11", "-I", "-B", "-m", "shimtool.appliance"):
        assert f'"{word}"' in config
    assert "/usr/bin/python3.11 -I -B -m shimtool.appliance" in dist.launcher.read_text()
    assert dist.manifest["RepoTags"][0] in dist.launcher.read_text()


def test_shellcheck(dist: Dist) -> None:
    subprocess.run(["shellcheck", dist.launcher], check=True)


def test_checksums(dist: Dist) -> None:
    subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=dist.folder, check=True)


def test_it_knows_every_option_that_takes_a_value() -> None:
    """Else it would take the value for a config."""
    launcher = (ROOT / "container/launcher/shimtool").read_text()
    (line,) = [line for line in launcher.splitlines() if line.lstrip().startswith("--in | --out")]
    known = set(line.strip().removesuffix(")").split(" | "))
    commands = [get_command(app)]
    for command in commands:
        commands += getattr(command, "commands", {}).values()
        for option in command.params:
            if option.param_type_name == "option" and not getattr(option, "is_flag", False):
                assert set(option.opts) <= known, command.name
