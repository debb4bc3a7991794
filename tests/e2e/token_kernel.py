"""A kernel for either width that prints a token: another PV GRUB, with the token in its memdisk.

Linux has no 32-bit PV since 5.9 (Debian 10's 4.19 was the last), and Debian 10 is gone from the
mirrors; GRUB's 32-bit image is a 32-bit PV kernel all the same.
"""

import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from tests.support import debs
from tests.support.programs import run

_CONFIG = """\
echo
echo "E2E cmdline second kernel, {width}"
cat (memdisk)/token
while true; do sleep 60; done
"""
_MODULES = ("normal", "memdisk", "tar", "echo", "cat", "sleep", "test", "true")


def kernel(width: str, token: str) -> bytes:
    """Return a PV kernel of `width` ("x86_64", "i386") that prints `E2E token TOKEN`."""
    packed = BytesIO()
    files = {"grub.cfg": _CONFIG.format(width=width), "token": f"E2E token {token}\n"}
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, BytesIO(text.encode()))
    modules = debs.unpacked("grub-xen-bin") / f"usr/lib/grub/{width}-xen"
    with tempfile.TemporaryDirectory(prefix="e2e-second-") as folder:
        home = Path(folder)
        (home / "memdisk").write_bytes(packed.getvalue())
        (home / "early").write_text("normal (memdisk)/grub.cfg\n")
        run(
            [
                *("grub-mkimage", "-O", f"{width}-xen", "-d", modules, "-p", "(memdisk)/"),
                *("-m", home / "memdisk", "-c", home / "early", "-o", home / "made", *_MODULES),
            ]
        )
        return (home / "made").read_bytes()
