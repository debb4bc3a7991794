"""Ramdisks made by code: real archives, the same bytes each time."""

import gzip
import random

from tests.support import cpio, debs

_INIT = b"""\
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s /bin
echo "sample guest is up: kernel $(uname -r), command line $(cat /proc/cmdline)"
exec setsid cttyhack sh
"""
_PROGRAMS = frozenset({"init", "bin/busybox"})
_BLOCK = 512  # bytes that an archive's headers and trailer may take


def _files() -> dict[str, bytes]:
    busybox = debs.unpacked("busybox-static") / "bin/busybox"
    return {"init": _INIT, "bin/busybox": busybox.read_bytes()}


def busybox_ramdisk() -> bytes:
    """Return a ramdisk of one gzip member that starts a shell on the console; about 1 MB."""
    return cpio.gzipped(_files(), _PROGRAMS)


def two_part_ramdisk() -> bytes:
    """Return the same in two gzip members, as when tools append to a ramdisk."""
    return cpio.gzipped({"early/note": b"first part\n"}) + busybox_ramdisk()


def filler_ramdisk(size: int, *, packed: bool = False) -> bytes:
    """Return a ramdisk of exactly `size` bytes (2000 or more) that does not compress.

    Zeros, which Linux skips, fill its end; `packed` makes it a gzip member.
    """
    room = size - 2 * _BLOCK - size // 1000
    noise = random.Random(size).randbytes(room)  # noqa: S311 - filler, not a secret
    data = cpio.archive({"filler": noise})
    if packed:
        data = gzip.compress(data, compresslevel=1, mtime=0)
    assert len(data) <= size
    return data.ljust(size, b"\0")
