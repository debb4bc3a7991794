"""Debian packages as raw material: downloaded and unpacked, never installed.

Everything lands once in build/cache/debs/NAME_VERSION and is shared by all tests.
"""

import fcntl
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tests.support.programs import run

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "build" / "cache"
_LISTS = Path("/var/lib/apt/lists")


def apt(*command: str | Path, cwd: Path | None = None) -> str:
    """Run one of apt's programs with a package cache of ours.

    A container's system often keeps none, and each call would build it anew, in a second.
    """
    folder = CACHE / "apt"
    folder.mkdir(parents=True, exist_ok=True)
    program, *words = command
    kept = [f"-oDir::Cache::{name}={folder / name}" for name in ("pkgcache", "srcpkgcache")]
    return run([program, *kept, *words], cwd=cwd)


def unpacked(package: str) -> Path:
    """Return a folder with the files of Debian's current `package`."""
    return _kept(package, "files", lambda deb, target: run(["dpkg-deb", "-x", deb, target]))


@cache
def _kept(package: str, name: str, make: Callable[[Path, Path], object]) -> Path:
    """Return what `make` makes of a package, once: beside it, by this name."""
    home = _home(package)
    made = home / name
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.is_dir():
            fresh = home / f"{name}.new"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            make(home / "package.deb", fresh)
            fresh.rename(made)
    return made


@cache
def _home(package: str) -> Path:
    """Return the folder of the current version, with its package.deb."""
    folder = CACHE / "debs"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{package}.lock").open("w") as lock:  # xdist workers meet here
        fcntl.flock(lock, fcntl.LOCK_EX)
        link = folder / package  # to the version that apt knew of last
        if not link.exists() or link.lstat().st_mtime < _LISTS.stat().st_mtime:
            home = _fetched(package, folder)
            link.unlink(missing_ok=True)
            link.symlink_to(home.name)
    return link


def _fetched(package: str, folder: Path) -> Path:
    record = apt("apt-cache", "show", "--no-all-versions", package)
    version = next(
        line.partition(": ")[2] for line in record.splitlines() if line.startswith("Version:")
    )
    home = folder / f"{package}_{version.replace(':', '%3a')}"
    if not home.is_dir():
        fresh = folder / f".{package}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        apt("apt-get", "-q", "download", package, cwd=fresh)
        (deb,) = fresh.glob("*.deb")
        deb.rename(fresh / "package.deb")
        fresh.rename(home)
    return home


def deb(package: str) -> Path:
    """Return the .deb file itself."""
    return _home(package) / "package.deb"


@cache
def kernel_package() -> str:
    """Return the name of the kernel package that linux-image-amd64 stands for today."""
    kept = CACHE / "debs" / ".kernel"
    if not kept.exists() or kept.stat().st_mtime < _LISTS.stat().st_mtime:
        name = package_behind("linux-image-amd64")
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(name)
        fresh.rename(kept)
    return kept.read_text()


def package_behind(name: str) -> str:
    """Return the kernel package that a package without files stands for."""
    lines = apt("apt-cache", "depends", name).splitlines()
    return next(line.split()[1] for line in lines if "Depends: linux-image" in line)


def kernel() -> Path:
    """Return Debian's own kernel (bzImage), which is PV-capable."""
    return kernel_of(kernel_package())


def kernel_of(package: str) -> Path:
    """Return a package's kernel: alone, as its modules are 400 MB."""
    (path,) = _kept(package, "kernel", _unpack_kernel).glob("vmlinuz-*")
    return path


def _unpack_kernel(deb: Path, target: Path) -> None:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as packed:
        assert packed.stdout
        with tarfile.open(fileobj=packed.stdout, mode="r|") as archive:
            found = next(each for each in archive if each.name.startswith("./boot/vmlinuz-"))
            content = archive.extractfile(found)
            assert content
            with (target / Path(found.name).name).open("wb") as kernel:
                shutil.copyfileobj(content, kernel)
        packed.kill()  # what is behind it is not needed


def xen_shim() -> Path:
    """Return the PV shim of Debian's Xen 4.17."""
    return unpacked("xen-utils-4.17") / "usr/lib/xen-4.17/boot/xen-shim"
