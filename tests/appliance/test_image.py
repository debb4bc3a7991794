"""The appliance as `docker run` and `podman run` give it, from the tarball, confined."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shimtool import __version__
from tests.appliance.conftest import Dist
from tests.appliance.engines import CONFINED, Engine, binds, run
from tests.support.cli import shimtool_cli
from tests.support.dom0 import Dom0
from tests.support.mounts import mounted
from tests.support.samples import CONVERTIBLE, REFUSED, write_samples

pytestmark = pytest.mark.appliance

HOST_OUT = "/var/lib/xen/shimtool"
NOBODY = 65534


def mounts(dom0: Dom0) -> dict[Path, str]:
    return {dom0.configs: "/in:ro", dom0.boot: "/kernels:ro", dom0.out: "/out"}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Give the test a file system with the samples in etc/xen and boot, as dom0's root has them."""
    root = tmp_path / "root"
    root.mkdir()
    with mounted(root, "-t", "tmpfs", "tmpfs"):
        write_samples(root)
        (root / "etc").mkdir()
        (root / "etc-xen").rename(root / "etc/xen")
        yield root


def assert_whole(dom0: Dom0, name: str) -> None:
    """Open what was written with the checkout's verify, and with xorriso."""
    checked = shimtool_cli("verify", "--out", dom0.out, dom0.out / f"{name}.cfg")
    assert checked.code == 0, checked.err
    assert HOST_OUT in (dom0.out / f"{name}.cfg").read_text()
    listing = subprocess.run(
        ["xorriso", "-indev", dom0.out / f"{name}.iso", "-report_el_torito", "plain", "-find", "/"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "El Torito boot img :   1  BIOS  y" in listing
    assert "xen-shim" in listing


def test_the_main_job_needs_nothing_but_three_volumes(
    engine: Engine, image: str, dom0: Dom0
) -> None:
    done = engine.once(image, volumes=mounts(dom0))
    assert done.code == 1, done.err  # two are refused, said so, and do not stop the others
    for name in CONVERTIBLE:
        assert f"{name}: converted" in done.out
        assert_whole(dom0, name)
    for name in REFUSED:
        assert f"/in/{name}.cfg:" in done.err
        assert not (dom0.out / f"{name}.cfg").exists()


def test_same_bytes_as_the_checkout(
    docker: Engine, docker_image: str, dom0: Dom0, tmp_path: Path
) -> None:
    docker.once(docker_image, volumes=mounts(dom0))
    here = tmp_path / "here"
    here.mkdir()
    shimtool_cli(
        *("convert", "--in", dom0.configs, "--map", f"/boot={dom0.boot}"),
        *("--out", here),
    )
    for name in CONVERTIBLE:
        assert (dom0.out / f"{name}.iso").read_bytes() == (here / f"{name}.iso").read_bytes()


def test_only_in_mounted_scans_and_says_what_to_run(engine: Engine, image: str, dom0: Dom0) -> None:
    """The folder is not certain to be dom0's /etc/xen, so the command does not say that it is."""
    done = engine.once(image, volumes={dom0.configs: "/in:ro"})
    assert done.code == 0, done.err
    first, *rest = done.out.splitlines()
    count = len(CONVERTIBLE) + len(REFUSED)
    assert first.startswith(f"{count} guests in /in. To convert: mkdir -p {HOST_OUT} && ")
    wanted = f"-v FOLDER-OF-CONFIGS:/in:ro -v /boot:/kernels:ro -v {HOST_OUT}:/out "
    assert f"{engine.program} run --rm " in first
    assert wanted in first
    for name in (*CONVERTIBLE, *REFUSED):
        assert [line for line in rest if line.startswith(name)]


@pytest.mark.parametrize("folder", ["/boot", "/srv/kernels", "/usr/lib"])
def test_the_command_that_it_says_converts(
    engine: Engine, image: str, root: Path, tmp_path: Path, folder: str
) -> None:
    """Word for word, but that dom0's root is a folder here; wherever its kernels are."""
    for name in REFUSED:
        (root / f"etc/xen/{name}.cfg").unlink()
    if folder != "/boot":
        shutil.copytree(root / "boot", root / folder[1:], symlinks=True)  # some to /boot
        for config in (root / "etc/xen").iterdir():
            config.write_text(config.read_text().replace("/boot/", f"{folder}/"))
    said = engine.once(image, volumes={root / "etc/xen": "/in:ro"}).out.splitlines()[0]
    command = said.partition("To convert: ")[2]
    assert command.startswith("mkdir -p /var/lib/xen/shimtool && ")
    here = command.replace("-v /", f"-v {root}/").replace("-p /", f"-p {root}/")
    done = run(["sh", "-c", here], engine.env, tmp_path)
    assert done.code == 0, done.err
    assert f"{len(CONVERTIBLE)} converted" in done.err


def test_nothing_mounted_says_what_to_mount(engine: Engine, image: str) -> None:
    done = engine.once(image)
    assert done.code == 1
    assert "-v /etc/xen:/in:ro" in done.err
    assert "Traceback" not in done.err


def test_outputs_are_never_lost_with_the_container(engine: Engine, image: str, dom0: Dom0) -> None:
    volumes = {dom0.configs: "/in:ro", dom0.boot: "/kernels:ro"}
    done = engine.once(image, "convert", volumes=volumes, read_only=False)
    assert done.code == 1
    assert f"-v {HOST_OUT}:/out" in done.err


def test_a_user_of_its_own(engine: Engine, image: str, dom0: Dom0) -> None:
    os.chown(dom0.out, NOBODY, NOBODY)
    done = engine.once(image, volumes=mounts(dom0), user=f"{NOBODY}:{NOBODY}")
    assert "web01: converted" in done.out, done.err
    assert (dom0.out / "web01.iso").stat().st_uid == NOBODY
    assert_whole(dom0, "web01")


def test_an_out_it_may_not_write(engine: Engine, image: str, dom0: Dom0) -> None:
    dom0.out.chmod(0o755)
    done = engine.once(image, volumes=mounts(dom0), user=f"{NOBODY}:{NOBODY}")
    assert done.code == 1
    assert "/out" in done.err
    assert "Permission denied" in done.err
    assert "Traceback" not in done.err


def test_an_out_mounted_read_only(engine: Engine, image: str, dom0: Dom0) -> None:
    done = engine.once(image, volumes={**mounts(dom0), dom0.out: "/out:ro"})
    assert done.code == 1
    assert "without :ro" in done.err


def test_paths_of_a_dom0_are_known_from_its_mounts(engine: Engine, image: str, root: Path) -> None:
    """A file system with etc/xen is dom0's root: what else is mounted from it has its path."""
    out = root / "srv/shimmed"
    out.mkdir(parents=True)
    volumes = {root / "etc/xen": "/in:ro", root / "boot": "/kernels:ro", out: "/out"}
    done = engine.once(image, volumes=volumes)
    assert "  /srv/shimmed/web01.cfg\n" in done.out, done.err
    assert "xl create /srv/shimmed/" in done.err
    assert "/srv/shimmed/web01.iso" in (out / "web01.cfg").read_text()
    assert "looked at /kernels/vmlinuz-2.6.32-5-xen-amd64" in done.err  # and nowhere else
    told = engine.once(image, "--host-out", "/mnt/x", volumes=volumes)
    assert "  /mnt/x/web01.cfg\n" in told.out


def test_options_alone_mean_convert(engine: Engine, image: str, dom0: Dom0) -> None:
    done = engine.once(image, "--xen", "4.17", volumes=mounts(dom0))
    assert "web01: converted (pvh" in done.out, done.err


@pytest.mark.parametrize("command", ["scan", "plan", "convert", "verify", "restore", "host"])
def test_help(docker: Engine, docker_image: str, command: str) -> None:
    done = docker.once(docker_image, command, "--help")
    assert done.code == 0, done.err
    assert f"shimtool {command}" in done.out


def test_shims_and_labels_say_which_shim_is_inside(engine: Engine, image: str, dist: Dist) -> None:
    labels = engine.client.images.get(image).labels
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.revision"] not in ("", "unknown")
    listed = json.loads(engine.once(image, "shims", "list", "--json").out)
    assert listed
    for shim in listed:
        assert shim["name"] in labels["shimtool.shims"]
        assert shim["name"] in (dist.folder / "INSTALL").read_text()
    assert "default" in labels["shimtool.shims"]


def test_the_id_survives_both_engines(engine: Engine, image: str, dist: Dist) -> None:
    assert engine.client.images.get(image).id.removeprefix("sha256:") == dist.image_id


def test_stopping_it_cleans_up(engine: Engine, image: str, dom0: Dom0) -> None:
    """SIGTERM to a container's first process is lost unless handled; SIGKILL gives 137."""
    kernel = next(dom0.boot.glob("vmlinuz-*"))
    for number in range(8):
        with (dom0.boot / f"hole-{number}").open("wb") as file:
            file.truncate(4000 << 20)  # some seconds to read
        dom0.config(
            f"hole-{number}.cfg",
            f"name = 'hole-{number}'\nkernel = '/boot/{kernel.name}'\n"
            f"ramdisk = '/boot/hole-{number}'\nmemory = 512\n",
        )
    container = engine.client.containers.run(
        image, ["convert"], volumes=binds(mounts(dom0)), detach=True, **CONFINED
    )
    try:
        while not (dom0.out / ".lock").exists():
            container.reload()
            assert container.status not in ("exited", "dead"), container.logs()
            time.sleep(0.1)
        container.stop(timeout=900)
        assert container.wait()["StatusCode"] == 143
    finally:
        container.remove(force=True)
    assert not [path for path in dom0.out.iterdir() if path.name.startswith(".shimtool")]


@pytest.mark.parametrize("read_only", [True, False])
def test_shims_add_says_what_to_do_instead(engine: Engine, image: str, read_only: bool) -> None:
    done = engine.once(image, "shims", "add", "/in/xen-shim", read_only=read_only)
    assert done.code == 1
    for way in ("--shim FILE", "make image SHIM=FILE", "SHIMTOOL_ASSETS"):
        assert way in done.err
    assert "Traceback" not in done.err


def test_in_place_with_in_read_only(engine: Engine, image: str, dom0: Dom0) -> None:
    config = dom0.configs / "web01.cfg"
    original = config.read_bytes()
    done = engine.once(image, "convert", "--in-place", "/in/web01.cfg", volumes=mounts(dom0))
    assert done.code == 1
    assert "-v /etc/xen:/in without :ro" in done.err, done.err
    assert "Traceback" not in done.err
    assert config.read_bytes() == original


def test_restore_with_in_read_only(engine: Engine, image: str, dom0: Dom0) -> None:
    writable = {**mounts(dom0), dom0.configs: "/in"}
    config = dom0.configs / "web01.cfg"
    done = engine.once(image, "convert", "--in-place", "/in/web01.cfg", volumes=writable)
    assert done.code == 0, done.err
    written = config.read_bytes()
    refused = engine.once(image, "restore", "/in/web01.cfg", volumes=mounts(dom0))
    assert refused.code == 1
    assert "-v /etc/xen:/in without :ro" in refused.err, refused.err
    assert config.read_bytes() == written
    back = engine.once(image, "restore", "/in/web01.cfg", volumes=writable)
    assert back.code == 0, back.err
