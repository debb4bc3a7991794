"""Virtual device names (vdev) of disks, as libxl takes them apart."""

import re

from shimtool.configs.xl.numbers import strtol
from shimtool.errors import fault

# Family: highest disk and partition number (libxl 4.17; docs/man/xen-vbd-interface.7).
_HIGHEST = {"xvd": (2**20 - 1, 255), "hd": (3, 63), "sd": (15, 15)}
KNOWN = (
    "use xvda to xvdz and beyond, sda to sdp or hda to hdd, each perhaps with a partition number"
)
_NAME = re.compile(r"(xvd|hd|sd)([a-z]{1,5})(|[1-9][0-9]{0,2})")
_PLAIN = re.compile(r"d([0-9a-fA-FxX]{1,8})p([0-9a-fA-FxX]{1,8})")


def vdev_index(vdev: str) -> tuple[str, int, int]:
    """Return family (xvd, sd, hd), disk (0 is a; 26 is aa) and partition (0 is the whole disk).

    dNpM is another name for xvd*; a number is a device number as Linux once had them. Raises
    ShimtoolError for what libxl does not know.
    """
    if found := known_vdev(vdev):
        return found
    raise fault("not a virtual device that xl knows", seen=vdev[:200], remedy=KNOWN)


def known_vdev(vdev: str) -> tuple[str, int, int] | None:
    """Return what vdev_index() does, None instead of an error."""
    found = _named(vdev) or _plain(vdev) or _numbered(vdev)
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


def _numbered(vdev: str) -> tuple[str, int, int] | None:
    number = strtol(vdev)
    if number is None or number < 0:
        return None
    if number >> 28 == 1:
        return "xvd", number >> 8 & 0xFFFFF, number & 0xFF
    minor = number & 0xFF
    return {
        202: ("xvd", minor >> 4, minor & 15),
        8: ("sd", minor >> 4, minor & 15),
        3: ("hd", minor >> 6, minor & 63),
        22: ("hd", 2 + (minor >> 6), minor & 63),
    }.get(number >> 8)
