"""Files about guests that are no config of xl, xm or libvirt: what they are, and the way out."""

import re
from pathlib import Path

from shimtool.errors import Fault, Location

_STARTED_FROM = "give the config that the guest was started from instead"
# What the first bytes, past blanks and comments, tell: pattern, what it is, and the remedy.
_FORMATS = tuple(
    (re.compile(pattern), name, remedy)
    for pattern, name, remedy in (
        (
            rb"\(domain\s*\(domid -?\d+\)\s*\(create_info\)",
            "what xl of Xen 4.1 or 4.2 showed of a guest (`xl list -l`)",
            _STARTED_FROM,
        ),
        (
            rb"\(\s*[A-Za-z_][\w.-]*[\s()]",
            "SXP of xend's that describes no guest",
            "give the file that was given to `xm create`, or what `xm list -l GUEST` says of it",
        ),
        (
            rb"[\[{][\s\[{]*\"(?:domid|config|c_info|b_info)\"",
            "libxl's JSON of a guest (`xl list -l`, *.libxl-json)",
            f"{_STARTED_FROM}; `xl list -l` shows a running guest, not its config",
        ),
        (rb"[\[{][\s\[{]*[\"}\]]", "JSON", f"{_STARTED_FROM}: for xl, xm or libvirt"),
        (
            rb"(?:\.encoding|config\.version|virtualHW\.version)\s*=",
            "a config of VMware (.vmx)",
            "only guests of Xen can be converted",
        ),
        (rb"Xen Saved domain", "a saved guest (`xl save`)", _STARTED_FROM),
        (rb"LinuxGuestRecord", "a guest saved by `xm save`", _STARTED_FROM),
    )
)
_NOTHING = re.compile(rb"(?:\s+|#[^\n]*\n)*+")


def foreign_format(data: bytes, path: Path) -> Fault | None:
    """Say what a file is that no parser of ours reads, where its beginning tells; else None."""
    start = _NOTHING.match(data)
    at = start.end() if start else 0
    for pattern, name, remedy in _FORMATS:
        if pattern.match(data, at):
            line = data.count(b"\n", 0, at) + 1
            return Fault(f"no guest config but {name}", Location(path, line), remedy=remedy)
    return None
