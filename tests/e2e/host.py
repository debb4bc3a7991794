"""The nested host's parts, built once per set of inputs from Debian packages only.

build/cache/e2e/KEY/ then holds `xen` (hypervisor, multiboot ELF), `vmlinuz` and `initrd`
(dom0's kernel and initramfs) and `dom0.img` (ext4, never written to).
"""

import fcntl
import gzip
import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import modules
from tests.e2e.apt import Suite, suite
from tests.support import cpio
from tests.support.debs import CACHE
from tests.support.programs import run

FILES = Path(__file__).parent / "dom0"
IMAGE_SIZE = 1 << 30
MODULES = [
    "crc32c_generic",  # ext4 asks for it only when it runs
    *(
        "virtio_pci",
        "virtio_blk",
        "virtio_console",
        "virtio_net",
        "ext4",
        "overlay",
        "loop",
        "bridge",
        "tun",
    ),
    *("xen-blkback", "xen-netback", "xen-gntdev", "xen-gntalloc", "xen-evtchn", "xen-privcmd"),
    "xenfs",
    *("dm-mod", "xfs", "btrfs"),  # disks of guests are made in dom0
]
LEFT_OUT = ("doc", "man", "locale", "info")


@dataclass(frozen=True, slots=True)
class Release:
    """A Debian release as host: its suite, its Xen, the package with its device model."""

    suite: str
    xen: str
    qemu: str = "qemu-system-xen"

    def __str__(self) -> str:
        return f"xen-{self.xen}"

    @property
    def packages(self) -> tuple[str, ...]:
        tools = ("busybox-static", "mount", "iproute2", "kmod", "procps")
        disks = ("fdisk", "e2fsprogs", "xfsprogs", "btrfs-progs", "lvm2")
        return (f"xen-utils-{self.xen}", self.qemu, *tools, *disks)


RELEASES = {
    "4.14": Release("bullseye", "4.14", "qemu-system-x86"),
    "4.17": Release("bookworm", "4.17"),
    "4.20": Release("trixie", "4.20"),
}


def _key(release: Release, apt: Suite) -> str:
    """Name what the host is made of: versions of its packages, and our own files."""
    names = (*release.packages, apt.kernel(), f"xen-hypervisor-{release.xen}-amd64")
    inputs = [f"{name}={apt.version(name)}".encode() for name in names]
    code = [Path(__file__), *sorted(FILES.iterdir())]
    return hashlib.sha256(b"\0".join(inputs + [path.read_bytes() for path in code])).hexdigest()


def _root(release: Release, apt: Suite, folder: Path) -> Path:
    """Install dom0's root by mmdebstrap (no kernel: nothing here boots by itself)."""
    root = folder / "root"
    excludes = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in LEFT_OUT]
    include = ",".join(release.packages)
    places: list[str | Path] = [release.suite, root, apt.sources]
    run(
        [
            *("mmdebstrap", "--quiet", "--variant=apt", "--mode=root", f"--include={include}"),
            *(*excludes, *places),
        ],
    )
    shutil.copytree(FILES, root / "e2e")
    return root


def _initrd(root: Path, kernel: Path) -> bytes:
    loaded = modules.pick(kernel, MODULES)
    files = {f"m/{name}": data for name, data in loaded.items()}
    files["m/order"] = "".join(f"{name}\n" for name in loaded).encode()
    files["init"] = (FILES / "initramfs").read_bytes()
    files["busybox"] = (root / "bin/busybox").read_bytes()
    return cpio.gzipped(files, frozenset({"init", "busybox"}))


def _build(release: Release, apt: Suite, folder: Path) -> None:
    """Fill `folder`; about a minute."""
    root = _root(release, apt, folder)
    parts = folder / "parts"
    for package in (apt.kernel(), f"xen-hypervisor-{release.xen}-amd64"):
        apt.unpack(package, parts / package)
    (xen,) = parts.glob("xen-hypervisor-*/boot/xen-*-amd64.gz")
    (vmlinuz,) = parts.glob("linux-image-*/boot/vmlinuz-*")
    (folder / "xen").write_bytes(gzip.decompress(xen.read_bytes()))
    shutil.copy(vmlinuz, folder / "vmlinuz")
    (folder / "initrd").write_bytes(_initrd(root, parts / apt.kernel()))
    image = folder / "dom0.img"
    with image.open("wb") as file:
        file.truncate(IMAGE_SIZE)
    run(["mke2fs", "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", root, image])
    shutil.rmtree(root)
    shutil.rmtree(parts)


def host(release: Release) -> Path:
    """Return the folder with the host's parts, building them when inputs have changed."""
    home = CACHE / "e2e"
    home.mkdir(parents=True, exist_ok=True)
    with (home / f".{release}.lock").open("w") as lock:  # xdist workers meet here
        fcntl.flock(lock, fcntl.LOCK_EX)
        apt = suite(release.suite)
        folder = home / f"{release}-{_key(release, apt)[:16]}"
        if not folder.is_dir():
            fresh = home / f".{release}.new"
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir()
            _build(release, apt, fresh)
            for old in home.glob(f"{release}-*"):
                shutil.rmtree(old)
            fresh.rename(folder)
    return folder
