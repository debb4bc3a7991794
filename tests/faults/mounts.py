"""File systems made for a test: small ones, read-only ones, and ones that fail to read."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.mounts import mounted


def run(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


@contextmanager
def tmpfs(at: Path, size: int) -> Iterator[None]:
    """Mount a disk of `size` KiB."""
    with mounted(at, "-t", "tmpfs", "-o", f"size={size}k,mode=755", "faults"):
        yield


def resize(at: Path, size: int) -> None:
    run("mount", "-o", f"remount,size={size}k", at)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder a mount of its own, read-only."""
    with mounted(folder, "--bind", "-o", "ro", folder):
        yield


@contextmanager
def unreadable(file: Path, at: int) -> Iterator[None]:
    """Put over `file` itself by FUSE, with EIO for what is read from offset `at` on."""
    name = str(file.with_name(f"{file.name}.below"))
    file.rename(name)
    file.touch()
    disk = {
        "node-name": "disk", "driver": "raw",
        "file": {
            "driver": "blkdebug", "image": {"driver": "file", "filename": name},
            "inject-error": [
                {"event": "none", "iotype": "read", "errno": 5, "sector": sector}
                for sector in range(at // 512, at // 512 + 64)
            ],
        },
    }  # fmt: skip
    daemon = subprocess.Popen(
        ["qemu-storage-daemon", "--blockdev", json.dumps(disk),
         "--export", f"fuse,id=e,node-name=disk,mountpoint={file},writable=off"],
    )  # fmt: skip
    try:
        while not os.path.ismount(file):  # pathlib means folders only
            assert daemon.poll() is None, "qemu-storage-daemon ended"
            time.sleep(0.01)
        yield
    finally:
        daemon.terminate()
        daemon.wait()
