"""Hypervisors that are no pvshim shims: Debian's own, and one that passes for a Vixen."""

import gzip
from pathlib import Path

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


def sys_of(folder: Path, files: dict[str, str]) -> tuple[str, ...]:
    """Return what to run a program through, so that its /sys/hypervisor holds these files.

    It gets a mount namespace of its own; `unchanged`, as / may be no mount point (in a chroot).
    """
    for name, text in files.items():
        file = folder / "hypervisor" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    script = 'mount --bind "$0" /sys && exec "$@"'
    return ("unshare", "-m", "--propagation", "unchanged", "sh", "-c", script, str(folder))
