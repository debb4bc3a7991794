"""A dom0 with nothing but busybox, at its usual paths: a folder to chroot into."""

import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.appliance.engines import run
from tests.support import debs
from tests.support.cli import Result
from tests.support.samples import write_samples

# What the launcher needs, without what unpacks xz.
APPLETS = (
    *(
        "cat",
        "cp",
        "env",
        "id",
        "ls",
        "mkdir",
        "mv",
        "readlink",
        "rm",
        "sed",
        "sh",
        "sha256sum",
        "sync",
    ),
    "tar",
)


def make_root(root: Path, applets: Iterable[str]) -> None:
    """Make the dom0, with the sample guests in its /etc/xen and /boot."""
    for folder in ("bin", "proc", "etc", "opt", "tmp", "dev", "var/lib/xen"):
        (root / folder).mkdir(parents=True)
    shutil.copy(debs.unpacked("busybox-static") / "bin/busybox", root / "bin/busybox")
    for applet in applets:
        (root / "bin" / applet).symlink_to("busybox")
    (root / "dev/null").touch()
    write_samples(root)
    (root / "etc-xen").rename(root / "etc/xen")


@contextmanager
def mounted(root: Path) -> Iterator[None]:
    """Mount what is mounted on any dom0: its root, /proc and a device."""
    subprocess.run(["mount", "-o", "bind", root, root], check=True)
    try:
        subprocess.run(["mount", "-o", "bind", "/proc", root / "proc"], check=True)
        subprocess.run(["mount", "-o", "bind", "/dev/null", root / "dev/null"], check=True)
        yield
    finally:
        subprocess.run(["umount", "--recursive", root], check=True)


def on_dom0(root: Path, *words: str) -> Result:
    """Run a program there."""
    return run([str(shutil.which("chroot")), root, *words], {"PATH": "/bin", "HOME": "/"}, root)
