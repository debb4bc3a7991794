"""The kernel command line that xend put together, as root= and extra= of xl make the same one.

xend's XendConfig.py (3.1 to 4.4): "root=ROOT ip=IP EXTRA", ip= left out when EXTRA has one, root=
when anything has one; create.py puts nfsroot= before EXTRA, and makes ip= of seven keys.
"""

import re
from collections.abc import Mapping

from shimtool.configs.xm.items import Item

_ORDER = ("ip", "nfs_server", "gateway", "netmask", "hostname", "interface", "dhcp")
# The field for the NFS server stays empty without one, as in 4.2 to 4.4; older ones had an address
# there that nothing answers at (1.2.3.4, 127.0.255.255), which only an NFS root would ask for.
_DEFAULTS = {"interface": b"eth0", "dhcp": b"off"}

KEYS = ("root", "extra", *_ORDER, "nfs_root")


def words(values: Mapping[str, Item]) -> tuple[bytes | None, bytes | None]:
    """Return xl's root= and extra= for xm's `values`, all of them text; None is not set."""
    said = {key: value for key, value in values.items() if isinstance(value, bytes)}
    extra = said.get("extra", b"")
    if said.get("nfs_root"):
        extra = b"nfsroot=%b:%b %b" % (said.get("nfs_server", b""), said["nfs_root"], extra)
    ip = _ip(said)
    if ip and not re.search(rb"ip=[^ ]+", extra):
        extra = b"ip=%b %b" % (ip, extra)
    if extra != said.get("extra", b""):
        extra = extra.rstrip(b" ")
    root: bytes | None = said.get("root", b"").removeprefix(b"root=")
    if not root or b"root=" in extra:
        root = None
    return root, extra if extra or "extra" in said else None


def _ip(said: Mapping[str, bytes]) -> bytes:
    fields = [said.get(key, _DEFAULTS.get(key, b"")) for key in _ORDER]
    if not fields[0] and fields[-1] == b"off":
        return b""
    return b":".join(fields).removeprefix(b"ip=")
