"""A dom0's folders as shimtool sees them: configs, /boot with Debian's kernel, and an --out."""

import gzip
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support import debs

KERNEL = "/boot/vmlinuz-guest"
RAMDISK = "/boot/initrd-guest"

# An empty newc archive: enough of a ramdisk where nothing boots it.
EMPTY_CPIO = (
    b"070701" + b"00000000" * 4 + b"00000001" + b"00000000" * 6 + b"0000000B00000000TRAILER!!!\0"
).ljust(124, b"\0")


@dataclass(frozen=True)
class Result:
    """What a run of the CLI left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str


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
        folders: list[str | Path] = []
        if command in ("scan", "plan", "convert", "restore"):
            folders = ["--in", self.configs]
        if command in ("scan", "plan", "convert"):
            folders += ["--map", f"/boot={self.boot}"]
        if command not in ("shims", "host"):
            folders += ["--out", self.out]
        return shimtool(command, *folders, *words, through=through)

    def written(self) -> dict[str, bytes]:
        """Everything in --out but the lock and the report."""
        return {
            path.name: path.read_bytes()
            for path in self.out.iterdir()
            if path.is_file() and path.name not in (".lock", "shimtool.yaml")
        }


def make_dom0(root: Path) -> Dom0:
    """Lay the folders out."""
    dom0 = Dom0(root)
    dom0.configs.mkdir()
    dom0.boot.mkdir()
    dom0.out.mkdir()
    # (no hard link: making one would change the file under another test that reads it)
    shutil.copy(debs.kernel(), dom0.boot / Path(KERNEL).name)
    (dom0.boot / Path(RAMDISK).name).write_bytes(gzip.compress(EMPTY_CPIO, mtime=0))
    return dom0


def shimtool(*words: str | Path, through: Sequence[str] = ()) -> Result:
    """Run `python -m shimtool` as a user would."""
    done = subprocess.run(
        [*through, sys.executable, "-m", "shimtool", *map(str, words)],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        timeout=120,
    )
    return Result(done.returncode, done.stdout, done.stderr)
