"""Guests made by code: Debian's kernel, a busybox ramdisk that tells what it sees, disks.

The guest's console then has lines `E2E KEY VALUE...` (see guest/init) and, at the end of its
start, `E2E token HEX`: SHA-256 of a secret in the ramdisk and a challenge on the root disk.
"""

import hashlib
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e import modules
from tests.support import cpio, debs
from tests.support.programs import run

INIT = Path(__file__).parent / "guest" / "init"
MODULES = ["crc32c_generic", "ext4", "xen-blkfront", "xen-netfront"]
PROGRAMS = frozenset({"init", "busybox"})
DISK = 16 << 20


def _base_files(more: tuple[str, ...] = ()) -> dict[str, bytes]:
    loaded = modules.pick(debs.unpacked(debs.kernel_package()), [*MODULES, *more])
    files = {f"m/{name}": data for name, data in loaded.items()}
    files["m/order"] = "".join(f"{name}\n" for name in loaded).encode()
    files["init"] = INIT.read_bytes()
    files["busybox"] = (debs.unpacked("busybox-static") / "bin/busybox").read_bytes()
    return files


def _random_parts() -> dict[str, bytes]:
    return {name: secrets.token_bytes(300_000) for name in ("one", "two")}


@dataclass(slots=True)
class Files:
    """A dom0's files for one test: `home` becomes /guest there."""

    home: Path
    secret: str = field(default_factory=lambda: secrets.token_hex(16))
    challenge: str = field(default_factory=lambda: secrets.token_hex(16))
    parts: Mapping[str, bytes] = field(default_factory=_random_parts)

    def kernel(self, data: bytes | None = None) -> str:
        """Put Debian's kernel, or another, in place; return its dom0 path."""
        path = self._place("boot/vmlinuz")
        if data is None:
            shutil.copy(debs.kernel(), path)
        else:
            path.write_bytes(data)
        return "/guest/boot/vmlinuz"

    def ramdisk(self, more: tuple[str, ...] = ()) -> str:
        """Make a ramdisk of one gzip member, with `more` modules; return its dom0 path."""
        self._place("boot/initrd").write_bytes(self.ramdisk_bytes(more))
        return "/guest/boot/initrd"

    def ramdisk_bytes(self, more: tuple[str, ...] = ()) -> bytes:
        """Return a ramdisk of one gzip member, with `more` modules."""
        return cpio.gzipped(_base_files(more) | {"secret": self._secret()}, PROGRAMS)

    def tree(self, name: str, files: Mapping[str, str | bytes]) -> None:
        """Put files into /guest/trees/NAME of dom0, from where layouts fill their disks."""
        self._place(f"trees/{name}/.").mkdir(parents=True, exist_ok=True)
        for path, data in files.items():
            content = data.encode() if isinstance(data, str) else data
            self._place(f"trees/{name}/{path}").write_bytes(content)

    def root_tree(self) -> None:
        """Make the tree `root` one with marker and challenge."""
        self.tree("root", {"marker": "this is root\n", "challenge": f"{self.challenge}\n"})

    def two_part_ramdisk(self) -> str:
        """Make a ramdisk of two gzip members, each with a part and a half of the need."""
        first = {"part-one": self.parts["one"], "secret": self._secret()}
        second = _base_files() | {"part-two": self.parts["two"]}
        content = cpio.gzipped(first) + cpio.gzipped(second, PROGRAMS)
        self._place("boot/initrd").write_bytes(content)
        return "/guest/boot/initrd"

    def part_sums(self) -> list[str]:
        """Return what the guest must tell of the parts in its ramdisk, sorted."""
        found = ((name, hashlib.sha256(part)) for name, part in self.parts.items())
        return sorted(f"{name} {checksum.hexdigest()}" for name, checksum in found)

    def root_disk(self, name: str = "root") -> str:
        """Make an ext4 file system with marker and challenge; return its dom0 path."""
        with tempfile.TemporaryDirectory(prefix="e2e-root-") as folder:
            (Path(folder) / "marker").write_text(f"this is {name}\n")
            (Path(folder) / "challenge").write_text(f"{self.challenge}\n")
            path = self._empty(name)
            run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", folder, path])
        return f"/guest/disks/{name}"

    def partitioned_disk(self, name: str, tree: str) -> str:
        """Make a disk with one ext4 partition that holds a tree; return its dom0 path."""
        path = self._empty(name, 64 << 20)
        table = b"label: dos\n2048,,L,*\n"
        subprocess.run(["sfdisk", "-q", path], input=table, check=True, capture_output=True)
        options: list[str | Path] = ["-E", f"offset={2048 * 512}", "-d", self.home / "trees" / tree]
        run(["mke2fs", "-q", "-F", "-t", "ext4", *options, path, "60M"])
        return f"/guest/disks/{name}"

    def swap_disk(self, name: str = "swap") -> str:
        """Make a swap area; return its dom0 path."""
        run(["mkswap", "-q", self._empty(name)])
        return f"/guest/disks/{name}"

    def blank_disk(self, name: str, size: int = DISK) -> str:
        """Make a disk of `size` zero bytes; return its dom0 path."""
        self._empty(name, size)
        return f"/guest/disks/{name}"

    def config(self, name: str, text: str) -> Path:
        """Write a guest's config where dom0 would have it; return its path here."""
        path = self._place(f"etc/{name}.cfg")
        path.write_text(text, encoding="utf-8")
        return path

    def token(self, *, root: bool = False) -> str:
        """Return what the guest must print, if it found a `root` disk."""
        challenge = self.challenge if root else "none"
        return hashlib.sha256(f"{self.secret}\n{challenge}\n".encode()).hexdigest()

    def _secret(self) -> bytes:
        return f"{self.secret}\n".encode()

    def _place(self, name: str) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _empty(self, name: str, size: int = DISK) -> Path:
        path = self._place(f"disks/{name}")
        with path.open("wb") as file:
            file.truncate(size)
        return path
