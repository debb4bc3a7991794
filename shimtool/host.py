"""What is known of the dom0 that will run the guests, and what follows from it.

Facts come from /sys/hypervisor, which containers on a dom0 see too, or from --xen.
"""

import re
from pathlib import Path

from shimtool.errors import ShimtoolError, fault
from shimtool.model import Host, Mode

# First releases with "x86/upcall: inject a spurious event after setting upcall vector":
# without it a guest under a 4.10-based shim hangs in HVM (seen on 4.6.6, branches read).
_UPCALL_FIX = {(4, 7): 5, (4, 8): 3, (4, 9): 2, (4, 10): 1}
_HVM_CAPABILITY = "hvm-3.0-x86"


def parse_version(text: str) -> tuple[int, int, int | None]:
    """Read "4.9", "4.9.2" or "4.17.7-rc1+x"; raise ShimtoolError for anything else."""
    match = re.fullmatch(r"(\d{1,2})\.(\d{1,3})(?:\.(\d{1,3}))?(?:[^0-9.].*)?", text.strip())
    if not match:
        raise fault("not a Xen version", seen=text, remedy="give it as --xen 4.9 or --xen 4.17.7")
    major, minor, point = match.groups()
    return int(major), int(minor), None if point is None else int(point)


def detect(sys_hypervisor: Path = Path("/sys/hypervisor")) -> Host:
    """Ask the running hypervisor; unknown is what is not there or not understood. Never raises."""

    def read(name: str) -> str | None:
        try:
            return (sys_hypervisor / name).read_text(errors="replace").strip()
        except OSError:
            return None

    major, minor = read("version/major"), read("version/minor")
    if not major or not minor:
        return Host(source=f"no Xen at {sys_hypervisor}")
    capabilities = read("properties/capabilities")
    hvm = None if capabilities is None else _HVM_CAPABILITY in capabilities
    text = f"{major}.{minor}{read('version/extra') or ''}"
    try:
        return Host(parse_version(text), hvm, str(sys_hypervisor))
    except ShimtoolError:
        return Host(
            None, hvm, f"{sys_hypervisor}, where {text!r} is no version that shimtool knows"
        )


def describe(host: Host) -> str:
    """Write the version as people do: "4.9.2", "4.9" or "unknown"."""
    if host.xen is None:
        return "unknown"
    return ".".join(str(part) for part in host.xen if part is not None)


def knows_type_key(host: Host) -> bool | None:
    """Whether xl reads type= (4.10.0 on; None: host unknown)."""
    return None if host.xen is None else host.xen[:2] >= (4, 10)


def can_pvshim(host: Host) -> bool:
    """Whether xl reads pvshim= (4.10.1 on). Plain "4.10" is taken for 4.10.0."""
    if host.xen is None:
        return False
    major, minor, point = host.xen
    return (major, minor) > (4, 10) or ((major, minor) == (4, 10) and (point or 0) >= 1)


def auto_mode(host: Host) -> Mode:
    """PVH from Xen 4.10.1 on, else HVM."""
    return Mode.PVH if can_pvshim(host) else Mode.HVM


def chosen_mode(host: Host, wanted: Mode | None) -> Mode:
    """Return the mode asked for, else the best this host can do."""
    return wanted or auto_mode(host)


def upcall_fixed(host: Host) -> bool | None:
    """Whether this Xen delivers events to a 4.10-based shim in HVM; None when not certain."""
    if host.xen is None:
        return None
    major, minor, point = host.xen
    if (major, minor) > (4, 10):
        return True
    first = _UPCALL_FIX.get((major, minor))
    if first is None:
        return False
    return None if point is None else point >= first


def lists_all_processors(host: Host) -> bool:
    """Whether hvmloader's MADT lists 128 processors whatever vcpus= says (before 4.8)."""
    return host.xen is None or host.xen[:2] < (4, 8)
