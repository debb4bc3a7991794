"""Which Xen this is: read from /sys/hypervisor, which containers on a dom0 see too, or given."""

import re
from pathlib import Path

from shimtool.errors import ShimtoolError, fault
from shimtool.model import Host

_HVM_CAPABILITY = "hvm-3.0-x86"


def parse_version(text: str) -> tuple[int, int, int | None]:
    """Read "4.9", "4.9.2" or "4.17.7-rc1+x"; raise ShimtoolError for anything else."""
    match = re.fullmatch(r"(\d{1,2})\.(\d{1,3})(?:\.(\d{1,3}))?(?:[^0-9.].*)?", text.strip())
    if not match:
        raise fault("not a Xen version", seen=text, remedy="give it as --xen 4.9 or --xen 4.17.7")
    major, minor, point = match.groups()
    return int(major), int(minor), None if point is None else int(point)


def detect(sys_hypervisor: Path = Path("/sys/hypervisor")) -> Host:
    """Read what /sys/hypervisor shows; what is missing or not understood is None. Never raises."""

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


def version_name(host: Host) -> str:
    """Write the version as people do: "4.9.2", "4.9" or "unknown"."""
    if host.xen is None:
        return "unknown"
    return ".".join(str(part) for part in host.xen if part is not None)
