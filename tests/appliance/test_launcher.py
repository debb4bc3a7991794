"""The launcher of `make dist` on a dom0: with docker, with podman, and with neither."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from shimtool import __version__, enter_dom0
from tests.appliance import busybox
from tests.appliance.conftest import Dist, Launch, without_engine
from tests.appliance.engines import Engine, run
from tests.support import debs
from tests.support.cli import Result, shimtool_cli
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
    assert f"xl create {out}/web01.cfg" in done.err
    checked = shimtool_cli("verify", "--out", out, "--host-out", out, out / "web01.cfg")
    assert checked.code == 0, checked.err
    assert not (out / "db01.cfg").exists()
    assert launch("verify", "--out", str(out), f"{out}/web01.cfg").code == 0
    assert str(cache) not in mounts()
    assert not list(cache.glob("*.new.*"))
    assert not [path for path in out.iterdir() if b"/proc/self" in path.read_bytes()]


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


@pytest.mark.parametrize("name", ["a b", "a:b", "a,b", 'a"b', "a=b", "a\\b", "-v", "à"])
def test_odd_names(launch: Launch, dom0: Dom0, name: str) -> None:
    """Of the folders that are written to: --out, and that of a config that is edited."""
    configs, out = dom0.configs / name, dom0.root / "made" / name
    configs.mkdir()
    shutil.move(dom0.configs / "web01.cfg", configs)
    before = (configs / "web01.cfg").read_bytes()
    words = ["--in-place", "--in", configs, "--out", out, "--map", f"/boot={dom0.boot}"]
    done = launch("convert", *words)
    assert done.code == 0, done.err
    assert (configs / "web01.cfg").read_bytes() != before
    assert launch("restore", "--in", configs, "--out", out).code == 0
    assert (configs / "web01.cfg").read_bytes() == before


@pytest.mark.parametrize("name", ["a:b,c", 'a:"', "a\nb"])
def test_names_that_no_container_takes(
    launch: Launch, dom0: Dom0, environ: dict[str, str], name: str
) -> None:
    done = launch("convert", "web01.cfg", "--out", dom0.root / name, *options(dom0)[2:])
    if environ["SHIMTOOL_ENGINE"] == "none" and "\n" not in name:
        assert done.code == 0, done.err
    else:
        assert done.code == 1
        assert "rename it" in done.err
        assert "Traceback" not in done.err


def test_paths_are_as_dom0_has_them(launch: Launch, dom0: Dom0) -> None:
    """Relative, with "..", ".", "//" and links; and so are those of messages and reports."""
    (dom0.root / "link").symlink_to(dom0.root / "deep/out")
    (dom0.root / "deep").mkdir()
    done = launch(
        *("convert", ".//web01.cfg", "--out", "../link/../out//."),
        *("--map", "/boot=.././boot", "--host-out", "/srv/x"),
    )
    assert done.code == 0, done.err
    assert (dom0.root / "deep/out/web01.iso").is_file()
    report = (dom0.root / "deep/out/shimtool.yaml").read_text()
    assert f'"here": "{dom0.boot}/' in report
    assert f'"path": "{dom0.configs}/web01.cfg"' in report


# --- a dom0 with nothing but busybox, at its usual paths -----------------------------------------


@pytest.fixture(params=["xz", "plain"])
def small(request: pytest.FixtureRequest, dist: Dist, plain_archive: Path, tmp_path: Path) -> Path:
    """The root of a dom0 made of busybox: no xz in it for "plain"."""
    root = tmp_path / "small"
    busybox.make_root(root, (*busybox.APPLETS, *(["xzcat"] if request.param == "xz" else [])))
    (root / "opt/shimtool").mkdir()
    shutil.copy(dist.launcher, root / "opt/shimtool")
    archive = dist.archive if request.param == "xz" else plain_archive
    os.link(archive, root / "opt/shimtool" / archive.name)
    (root / "vmlinuz").symlink_to("boot/vmlinuz")
    (root / "etc/xen/root.cfg").write_text('name="root"\nmemory=256\nkernel="/vmlinuz"\n')
    return root


def test_a_dom0_of_busybox(small: Path) -> None:
    """`shimtool convert /etc/xen/web01.cfg` just works, and so does it with no name at all."""

    def launched(*words: str) -> Result:
        return busybox.on_dom0(small, "/opt/shimtool/shimtool", *words)

    with busybox.mounted(small):
        done = launched("convert", "/etc/xen/web01.cfg", "/etc/xen/root.cfg")
        assert done.code == 0, done.err
        assert "xl create /var/lib/xen/shimtool/web01.cfg" in done.err
        rest = launched("convert", "--xen", "4.9.2")
        assert "2 refused" in rest.err, rest.err
        for name in (*CONVERTIBLE, "root"):
            assert (small / f"var/lib/xen/shimtool/{name}.iso").is_file()
        assert launched("--version").out == f"shimtool {__version__}\n"
    assert str(small) not in mounts()
    out = small / "var/lib/xen/shimtool"
    checked = shimtool_cli("verify", "--out", out, *(out / f"{name}.cfg" for name in CONVERTIBLE))
    assert checked.code == 0, checked.err


@pytest.mark.parametrize("shell", ["dash", "busybox sh", "bash --posix"])
def test_every_shell_reads_it(dist: Dist, docker: Engine, shell: str) -> None:
    done = run([*shell.split(), dist.launcher, "--version"], docker.env, dist.folder)
    assert done.out == f"shimtool {__version__}\n", done.err


def test_names_of_engines(dist: Dist, cache: Path) -> None:
    """ "chroot" is what "none" was called before."""

    def version(name: str) -> Result:
        env = {**without_engine(cache), "SHIMTOOL_ENGINE": name}
        return run([dist.launcher, "--version"], env, dist.folder)

    assert version("chroot").out == version("none").out == f"shimtool {__version__}\n"
    assert "give docker, podman or none" in version("lxc").err


def test_without_an_engine_it_starts_what_containers_start(dist: Dist) -> None:
    """The launcher repeats what shimtool.enter_dom0 does in a container."""
    launcher = dist.launcher.read_text()
    for word in enter_dom0._program("ROOT"):
        assert word.removeprefix("ROOT/") in launcher
    for name in enter_dom0._environment("ROOT"):
        assert f"{name}=" in launcher
    assert dist.manifest["RepoTags"][0] in launcher


def test_shellcheck(dist: Dist) -> None:
    subprocess.run(["shellcheck", dist.launcher], check=True)


def test_checksums(dist: Dist) -> None:
    subprocess.run(["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=dist.folder, check=True)
