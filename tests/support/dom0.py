"""A dom0's folders as shimtool sees them: configs, /boot with a kernel, and an --out."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.cli import Result, shimtool_cli
from tests.support.kernel_builder import small_kernel

KERNEL = "/boot/vmlinuz-guest"
RAMDISK = "/boot/initrd-guest"

# An empty newc archive: enough of a ramdisk where nothing boots it.
EMPTY_CPIO = (
    b"070701" + b"00000000" * 4 + b"00000001" + b"00000000" * 6 + b"0000000B00000000TRAILER!!!\0"
).ljust(124, b"\0")


@dataclass(frozen=True)
class Dom0:
    """Folders below `root`: etc-xen, boot (dom0's /boot) and out."""

    root: Path

    @property
    def configs(self) -> Path:
        return self.root / "etc-xen"

    @property
    def boot(self) -> Path:
        return self.root / "boot"

    @property
    def out(self) -> Path:
        return self.root / "out"

    def config(self, file: str, text: str | bytes) -> Path:
        path = self.configs / file
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def guest(self, name: str = "web01", more: str = "") -> Path:
        """Write a plain PV config with kernel and ramdisk."""
        text = f'name = "{name}"\nkernel = "{KERNEL}"\nramdisk = "{RAMDISK}"\nmemory = 512\n{more}'
        return self.config(f"{name}.cfg", text)

    def run(self, command: str, *words: str | Path, through: Sequence[str] = ()) -> Result:
        """Run the real command line on these folders, perhaps `through` another program."""
        return shimtool_cli(*self.words(command, *words), through=through)

    def words(self, command: str, *words: str | Path) -> list[str | Path]:
        """Return the words of a command line with this dom0's folders."""
        folders: list[str | Path] = []
        if command in ("scan", "plan", "convert", "restore"):
            folders = ["--in", self.configs]
        if command in ("scan", "plan", "convert"):
            folders += ["--map", f"/boot={self.boot}"]
        if command not in ("shims", "host", "help"):
            folders += ["--out", self.out]
        return [command, *folders, *words]

    def written(self) -> dict[str, bytes]:
        """Everything in --out but the lock and the report."""
        return {
            path.name: path.read_bytes()
            for path in self.out.iterdir()
            if path.is_file() and path.name not in (".lock", "shimtool.yaml")
        }


def make_dom0(root: Path, kernel: bytes | None = None) -> Dom0:
    """Lay the folders out; the kernel is a small made-up one unless another is given."""
    dom0 = Dom0(root)
    dom0.configs.mkdir()
    dom0.boot.mkdir()
    dom0.out.mkdir()
    (dom0.boot / Path(KERNEL).name).write_bytes(kernel or small_kernel())
    (dom0.boot / Path(RAMDISK).name).write_bytes(gzip.compress(EMPTY_CPIO, mtime=0))
    return dom0
