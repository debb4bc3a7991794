"""Virtual device names (vdev) of disks, as libxl takes them apart."""

from shimtool.configs.xl.numbers import strtol
from shimtool.deferred import regex

# Family: highest disk and partition number (libxl 4.17; docs/man/xen-vbd-interface.7).
_HIGHEST = {"xvd": (2**20 - 1, 255), "hd": (3, 63), "sd": (15, 15)}
KNOWN = (
    "use xvda to xvdz and beyond, sda to sdp or hda to hdd, each perhaps with a partition number"
)
_MOST = 2**31 - 1  # INT_MAX
_NAME = regex(r"(xvd|hd|sd)([a-z]{1,5})(|[1-9][0-9]{0,2})")
_PLAIN = regex(r"d([0-9a-fA-FxX]{1,8})p([0-9a-fA-FxX]{1,8})")


def known_vdev(vdev: str) -> bool:
    """Whether libxl knows a virtual device of this name or number.

    A number is what the guest finds in xenstore, and libxl takes each as it stands: Linux once had
    51712 for xvda, Solaris counts from 0, NetBSD's guides say 0x1.
    """
    return vdev_index(vdev) is not None or _is_number(vdev)


def vdev_index(vdev: str) -> tuple[str, int, int] | None:
    """Return family (xvd, sd, hd), disk (0 is a; 26 is aa) and partition (0 is the whole disk).

    dNpM is another name for xvd*. Of a number libxl (4.4-4.21) does not find these out, even where
    it is one of Linux's own: QEMU then emulates no such disk. None for these, and what is unknown.
    """
    found = _named(vdev) or _plain(vdev)
    if not found:
        return None
    family, disk, partition = found
    highest = _HIGHEST[family]
    return found if 0 <= disk <= highest[0] and 0 <= partition <= highest[1] else None


def _named(vdev: str) -> tuple[str, int, int] | None:
    match = _NAME.fullmatch(vdev)
    if not match:
        return None
    disk = -1
    for letter in match[2]:
        disk = (disk + 1) * 26 + ord(letter) - ord("a")
    return match[1], disk, int(match[3] or 0)


def _plain(vdev: str) -> tuple[str, int, int] | None:
    match = _PLAIN.fullmatch(vdev)
    disk, partition = (strtol(match[1]), strtol(match[2])) if match else (None, None)
    return None if disk is None or partition is None else ("xvd", disk, partition)


def _is_number(vdev: str) -> bool:
    number = strtol(vdev)
    return number is not None and 0 <= number <= _MOST
