"""Keys whose value is of another kind than xl wants: it notes them, and goes on without.

Read in xl_parse.c and libxlu_cfg.c of 4.4 to 4.21, and seen with xl 4.17 (`xl create -n`). Without
name=, kernel= or memory= nobody has meant the guest that would start: these are refused.
"""

from collections.abc import Collection, Mapping

from shimtool.configs.xl.grammar import Items, Value
from shimtool.configs.xl.numbers import strtol

_LISTS = frozenset(
    (
        "channel", "disk", "dtdev", "iomem", "ioports", "irqs", "p9", "pci", "pvcalls", "usbctrl",
        "usbdev", "vdispl", "vfb", "vif", "virtio", "vkb", "vnuma", "vsnd", "vtpm",
    )
)  # fmt: skip
_TEXTS = frozenset(
    ("bootloader", "builder", "cmdline", "extra", "firmware", "ramdisk", "root", "type")
)
_NUMBERS = frozenset(("driver_domain", "maxmem", "maxvcpus", "pvh", "vcpus"))


def overlooked(values: Mapping[str, Value], added: Collection[str]) -> dict[str, str]:
    """Return the keys that xl goes on without, and why; `added` are those set by +=."""
    found = {key: _why(key, value, added) for key, value in values.items()}
    return {key: why for key, why in found.items() if why}


def _why(key: str, value: Value, added: Collection[str]) -> str:
    if key in _NUMBERS and key in added:
        return "is a number, which += does not add to"
    if isinstance(value, Items):
        return "is a list" if key in _TEXTS | _NUMBERS else ""
    if key in _LISTS:
        return "is no list"
    return "is no number" if key in _NUMBERS and strtol(value.text) is None else ""
