"""Debian packages as raw material: downloaded and unpacked, never installed.

Everything lands once in build/cache/debs/NAME_VERSION and is shared by all tests.
"""

import fcntl
import os
import shutil
from functools import cache
from pathlib import Path

from tests.support.programs import run

ROOT = Path(__file__).parents[2]
CACHE = ROOT / "build" / "cache"
_LISTS = Path("/var/lib/apt/lists")


@cache
def unpacked(package: str) -> Path:
    """Return a folder with the files of Debian's current `package`."""
    folder = CACHE / "debs"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{package}.lock").open("w") as lock:  # xdist workers meet here
        fcntl.flock(lock, fcntl.LOCK_EX)
        link = folder / package  # to the version that apt knew of last
        if not link.exists() or link.lstat().st_mtime < _LISTS.stat().st_mtime:
            home = _fetched(package, folder)
            link.unlink(missing_ok=True)
            link.symlink_to(home.name)
    return link / "files"


def _fetched(package: str, folder: Path) -> Path:
    record = run(["apt-cache", "show", "--no-all-versions", package])
    version = next(
        line.partition(": ")[2] for line in record.splitlines() if line.startswith("Version:")
    )
    home = folder / f"{package}_{version.replace(':', '%3a')}"
    if not home.is_dir():
        fresh = folder / f".{package}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        run(["apt-get", "-q", "download", package], cwd=fresh)
        (deb,) = fresh.glob("*.deb")
        run(["dpkg-deb", "-x", deb, fresh / "files"])
        deb.rename(fresh / "package.deb")
        fresh.rename(home)
    return home


def deb(package: str) -> Path:
    """Return the .deb file itself."""
    return unpacked(package).parent / "package.deb"


@cache
def kernel_package() -> str:
    """Return the name of the kernel package that linux-image-amd64 stands for today."""
    kept = CACHE / "debs" / ".kernel"  # asking apt takes a second
    if not kept.exists() or kept.stat().st_mtime < _LISTS.stat().st_mtime:
        lines = run(["apt-cache", "depends", "linux-image-amd64"]).splitlines()
        name = next(line.split()[1] for line in lines if "Depends: linux-image" in line)
        kept.parent.mkdir(parents=True, exist_ok=True)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(name)
        fresh.rename(kept)
    return kept.read_text()


def kernel() -> Path:
    """Return Debian's own kernel (bzImage), which is PV-capable."""
    (path,) = (unpacked(kernel_package()) / "boot").glob("vmlinuz-*")
    return path


def xen_shim() -> Path:
    """Return the PV shim of Debian's Xen 4.17."""
    return unpacked("xen-utils-4.17") / "usr/lib/xen-4.17/boot/xen-shim"
