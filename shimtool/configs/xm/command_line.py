"""The kernel command line that xend made, and the root= and extra= with which xl makes the same.

xend's XendConfig.py (Xen 3.1 to 4.4) makes "root=ROOT ip=IP EXTRA". It leaves ip= out when EXTRA
has one, and root= when "root=" is anywhere behind it, be it in nfsroot=. create.py puts nfsroot=
before EXTRA, and makes IP of seven keys.
"""

import re
from collections.abc import Mapping

from shimtool.configs.xm.settings import XlValue

_ORDER = ("ip", "nfs_server", "gateway", "netmask", "hostname", "interface", "dhcp")
# Without nfs_server= its field is empty, as in Xen 4.2 to 4.4. Older versions put an unused address
# there (1.2.3.4, 127.0.255.255), which matters to a guest with an NFS root only.
_DEFAULTS = {"interface": b"eth0", "dhcp": b"off"}

KEYS = ("root", "extra", *_ORDER, "nfs_root")


def root_and_extra(values: Mapping[str, XlValue]) -> tuple[bytes | None, bytes | None]:
    """Return xl's root= and extra= for xm's `values` of KEYS, all text; None: leave it unset."""
    texts = {key: value for key, value in values.items() if isinstance(value, bytes)}
    extra = texts.get("extra", b"")
    if texts.get("nfs_root"):
        extra = b"nfsroot=%b:%b %b" % (texts.get("nfs_server", b""), texts["nfs_root"], extra)
    ip = _ip(texts)
    if ip and not re.search(rb"ip=[^ ]+", extra):
        extra = b"ip=%b %b" % (ip, extra)
    if extra != texts.get("extra", b""):
        extra = extra.rstrip(b" ")
    root: bytes | None = texts.get("root", b"").removeprefix(b"root=")
    if not root or b"root=" in extra:
        root = None
    return root, extra if extra or "extra" in texts else None


def _ip(texts: Mapping[str, bytes]) -> bytes:
    fields = [texts.get(key, _DEFAULTS.get(key, b"")) for key in _ORDER]
    if not fields[0] and fields[-1] == b"off":
        return b""
    return b":".join(fields).removeprefix(b"ip=")
