"""Where xend's SXP has what xl has a key for: the words of messages about such a guest."""

from dataclasses import replace
from types import MappingProxyType

from shimtool.model import XL

# Lists at the top, or in (image (linux ...)), by xl's name for them.
LISTS = {
    "name": "name", "uuid": "uuid", "memory": "memory", "maxmem": "maxmem", "vcpus": "vcpus",
    "maxvcpus": "vcpus", "cpus": "cpus", "cpu_weight": "cpu_weight", "cap": "cpu_cap",
    "pool": "pool_name", "on_poweroff": "on_poweroff", "on_reboot": "on_reboot",
    "on_crash": "on_crash", "type": "image", "builder": "image", "bootloader": "bootloader",
    "bootloader_args": "bootloader_args", "kernel": "kernel", "ramdisk": "ramdisk",
    "cmdline": "args", "extra": "args", "root": "root",
}  # fmt: skip
DEVICES = {
    "disk": "vbd", "vif": "vif", "vfb": "vfb", "pci": "pci", "ioports": "ioports", "irqs": "irq",
    "vtpm": "vtpm",
}  # fmt: skip

# The new config is xl's, whatever the old one was.
VOCABULARY = replace(
    XL,
    placing="(cpus ...) and (pool_name ...)",
    elements=MappingProxyType(
        {key: f"({name} ...)" for key, name in LISTS.items()}
        | {key: f"(device ({name} ...))" for key, name in DEVICES.items()}
    ),
)
