"""A kernel package is upgraded by dpkg on a Debian that has shimtool's package and its hook.

That Debian is this machine's own, under an overlay that is thrown away; the kernel is Debian's
package. One of an older version is made of it, with another kernel and without modules.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appliance.conftest import Dist
from tests.appliance.engines import run
from tests.appliance.test_deb import make
from tests.support import debs
from tests.support.cli import Result
from tests.support.kernel_builder import small_kernel
from tests.support.mounts import mounted
from tests.support.pages import PAGES

pytestmark = pytest.mark.appliance

CONFIG = 'name = "web01"\nmemory = 512\nkernel = "/vmlinuz"\ndisk = ["phy:/dev/vg0/x,xvda,w"]\n'
NEEDED = ("libkmod2", "kmod", "linux-base")  # by the kernel's package, less what makes a ramdisk


def cloud_kernel() -> str:
    """The smaller of Debian's kernel packages: 27 MB."""
    return debs.package_behind("linux-image-cloud-amd64")


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """This machine's Debian, as a folder to chroot into; what is written is in memory."""
    memory = tmp_path / "memory"
    memory.mkdir()
    with mounted(memory, "-t", "tmpfs", "tmpfs"):
        for name in ("upper", "work", "root"):
            (memory / name).mkdir()
        place = memory / "root"
        layers = f"lowerdir=/,upperdir={memory}/upper,workdir={memory}/work"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, place], check=True)
        for name in ("proc", "dev"):
            subprocess.run(["mount", "--bind", f"/{name}", place / name], check=True)
        for folder in ("etc/xen", "etc/kernel", "var/lib/xen", "var/cache/shimtool"):
            shutil.rmtree(place / folder, ignore_errors=True)
        for folder in ("etc/xen", "etc/kernel/postinst.d", "tmp"):
            (place / folder).mkdir(parents=True, exist_ok=True)
        yield place


def on(root: Path, *words: str) -> Result:
    environ = {"PATH": os.environ["PATH"], "HOME": "/root", "SHIMTOOL_ENGINE": "none"}
    return run(["chroot", root, *words], environ, root)


def install(root: Path, package: Path) -> Result:
    """Install a package there; none makes a ramdisk, and no engine is asked for."""
    copied = root / "tmp" / package.name
    shutil.copy(package, copied)
    done = on(root, "dpkg", "--force-depends", "--install", f"/tmp/{package.name}")  # noqa: S108 - the chroot's
    copied.unlink()
    assert done.code == 0, done
    return done


def older(package: Path, folder: Path) -> Path:
    """The same package, of a version before, with another kernel and without modules."""
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder], check=True)
    (kernel,) = (folder / "boot").glob("vmlinuz-*")
    kernel.write_bytes(small_kernel(b"older"))
    for modules in (folder / "lib/modules").glob("*/kernel"):
        shutil.rmtree(modules)
    control = folder / "DEBIAN/control"
    control.write_text(re.sub(r"^(Version: .*)$", r"\1~older", control.read_text(), flags=re.M))
    made = folder.with_suffix(".deb")
    subprocess.run(["dpkg-deb", "--build", "-Znone", folder, made], check=True, capture_output=True)
    return made


def test_a_guest_follows_dom0s_kernel(root: Path, dist: Dist, tmp_path: Path) -> None:
    package = debs.deb(cloud_kernel())
    for name in NEEDED:
        install(root, debs.deb(name))
    install(root, older(package, tmp_path / "older"))
    install(root, make(dist, tmp_path / "deb"))
    (root / "etc/xen/web01.cfg").write_text(CONFIG)
    assert on(root, "shimtool", "convert", "--xen", "4.9.2").code == 0
    (link,) = re.findall(
        r"^ln -s \S+ /etc/kernel/postinst\.d/.*$", PAGES["how-it-works"].read_text(), re.M
    )
    assert on(root, "sh", "-c", link).code == 0
    before = (root / "var/lib/xen/shimtool/web01.iso").read_bytes()
    assert on(root, "shimtool", "status").code == 0
    done = install(root, package)
    assert "1 converted" in done.err, done
    assert (root / "var/lib/xen/shimtool/web01.iso").read_bytes() != before
    assert on(root, "shimtool", "status").code == 0
    assert on(root, "shimtool", "verify", "/var/lib/xen/shimtool/web01.iso").code == 0
