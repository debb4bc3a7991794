"""What convert wrote, opened with other tools than those that wrote it."""

import subprocess
from pathlib import Path

from shimtool.output.parameter_file import decode_parameters
from tests.support.dom0 import Dom0


def extract(iso: Path, name: str) -> bytes:
    """Read a file out of an ISO with xorriso."""
    target = iso.parent.parent / "extracted"
    target.unlink(missing_ok=True)
    subprocess.run(
        ["xorriso", "-osirrox", "on", "-indev", iso, "-extract", f"/{name}", target],
        check=True,
        capture_output=True,
    )
    return target.read_bytes()


def converted(dom0: Dom0, *words: str) -> Path:
    result = dom0.run("convert", *words)
    assert result.code == 0, result.err
    return dom0.out / "web01.iso"


def version_of(path: Path) -> tuple[int, int, int]:
    """Return what is another once a file is written anew, and the same when it is only read."""
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def line_in(iso: Path) -> bytes:
    """Return the command line that an ISO gives its guest."""
    return decode_parameters(extract(iso, "params")).guest_line
