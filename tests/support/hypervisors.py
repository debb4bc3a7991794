"""Hypervisors that are no 4.10-based shims: Debian's own, and one that passes for a Vixen."""

import gzip

from shimtool.shims.probe import VIXEN_MARK
from tests.support import debs


def ordinary() -> bytes:
    """Return Debian's ordinary hypervisor, unpacked."""
    (packed,) = (debs.unpacked("xen-hypervisor-4.17-amd64") / "boot").glob("xen-*-amd64.gz")
    return gzip.decompress(packed.read_bytes())


def like_vixen() -> bytes:
    """Return the same with the words of a Vixen in it: none is to be had in Debian.

    Without the version text: Xen 4.9 composed its own at run time.
    """
    data = bytearray(ordinary().replace(b"\x004.17.", b"\0x.xx."))
    at = data.index(b"Xen version ")  # in its banner
    data[at : at + len(VIXEN_MARK)] = VIXEN_MARK
    return bytes(data)
