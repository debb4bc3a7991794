"""The real pygrub of Debian's Xen 4.17, run on images without a Xen."""

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support import debs

_PACKAGES = (
    "libxenmisc4.17", "libxencall1", "libxendevicemodel1", "libxenevtchn1",
    "libxenforeignmemory1", "libxengnttab1", "libxenstore4", "libxentoolcore1", "libxentoollog1",
)  # fmt: skip


@dataclass(frozen=True)
class Taken:
    kernel: bytes
    ramdisk: bytes | None
    arguments: str


@cache
def home() -> Path:
    return debs.unpacked("xen-utils-4.17") / "usr/lib/xen-4.17"


@cache
def _environment() -> dict[str, str]:
    xen = debs.unpacked("libxenmisc4.17") / "usr/lib/xen-4.17/lib/x86_64-linux-gnu"
    folders = [xen, *(debs.unpacked(name) / "usr/lib/x86_64-linux-gnu" for name in _PACKAGES)]
    return {
        **os.environ,
        "PYTHONPATH": str(home() / "lib/python"),
        "LD_LIBRARY_PATH": ":".join(map(str, folders)),
        "XEN_FSIMAGE_FSDIR": str(xen / "xenfsimage"),
    }


def take(image: Path, folder: Path, *options: str) -> Taken | None:
    """Run pygrub as libxl does; None where it finds nothing."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, home() / "bin/pygrub", "-q", "--output-format=simple0",
         f"--output-directory={folder}", *options, image],
        env=_environment(), capture_output=True, check=False,
    )  # fmt: skip
    assert b"ImportError" not in done.stderr, done.stderr
    said = dict(item.split(" ", 1) for item in os.fsdecode(done.stdout).split("\0") if " " in item)
    if done.returncode:
        return None
    ramdisk = Path(said["ramdisk"]).read_bytes() if "ramdisk" in said else None
    # libxl drops blanks in front.
    return Taken(Path(said["kernel"]).read_bytes(), ramdisk, said.get("args", "").lstrip())
