"""Which files of a folder look like guest configs: by name, then by a cheap look inside.

Configs named on the command line are not asked: they are read, whatever they look like.
"""

import os
import re
import stat
from fnmatch import translate
from pathlib import Path

from shimtool.configs.xl.syntax import LIMIT
from shimtool.deferred import regex
from shimtool.system.files import open_regular

# Always read: what is wrong in one is then an error, and never passed over.
_CONFIGS = (".cfg", ".xml")
# What Xen's packages put into /etc/xen, what package managers and editors leave beside a config,
# and copies made by hand: read, they would clash with the guest that they are a copy of.
_OTHERS = (
    *("xl.conf", "xlexample*", "xmexample*", "readme*", "*.sxp", "*.sh"),
    *("*.rpmsave", "*.rpmnew", "*.rpmorig", "*.dpkg-*", "*.ucf-*"),
    *(".*", "*~", "#*#", "*.swp", "*.bak", "*.old", "*.orig", "*.save", "*.cfg?*", "*.xml?*"),
)
_OTHER = regex("|".join(map(translate, _OTHERS)), re.IGNORECASE)
_HEAD = 4096  # bytes

# A config of xl's or xm's has a name and something that a guest is started from.
_NAME = regex(rb"(?:^|;)[ \t]*name[ \t]*=", re.MULTILINE)
_GUEST = regex(
    rb"(?:^|;)[ \t]*(?:kernel|ramdisk|bootloader|builder|firmware|type|disk)[ \t]*\+?=",
    re.MULTILINE,
)
_DOMAIN = regex(rb"<domain[\s>]")
_SCRIPT = regex(rb"#![^\n]*(?:sh|perl|awk)\b")


def always_config(name: str) -> bool:
    """Whether a file of this name counts, whatever is in it."""
    return not name.startswith(".") and name.endswith(_CONFIGS)


def why_not(name: str, path: Path, status: os.stat_result) -> str | None:
    """Say why the file `path`, which is no link, is no guest config; None when it may be one.

    `name` is what it is called where it was found, which may be a link's.

    A file of another name counts when it sets name= and one of kernel=, ramdisk=, bootloader=,
    builder=, firmware=, type= and disk=, or holds libvirt's <domain>. It need not be free of
    errors: a guest with a typo in its config is to be reported, not passed over.

    Raises ShimtoolError when that cannot be told, as the file cannot be read.
    """
    if always_config(name):
        return None
    if _OTHER.match(name):
        return "by its name"
    if not stat.S_ISREG(status.st_mode):
        return "not a file"
    if not 0 < status.st_size <= LIMIT:
        return "empty" if not status.st_size else f"larger than {LIMIT >> 20} MiB"
    return None if _looks_like_config(path) else "no name= and kernel=, bootloader=, ..."


def _looks_like_config(path: Path) -> bool:
    with open_regular(path) as file:
        data = file.read(_HEAD)
        if b"\0" in data or _SCRIPT.match(data):
            return False
        data += file.read(LIMIT)
    return bool((_NAME.search(data) and _GUEST.search(data)) or _DOMAIN.search(data))
