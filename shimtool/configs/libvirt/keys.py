"""Where a domain's XML has what xl has a key for.

A guest of libvirt has the keys of the left column; plans name the elements on the right. Paths
are child names below <domain>; `[@type='usb']` takes only those, `@current` is an attribute.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING

from shimtool.model import Vocabulary

if TYPE_CHECKING:  # plans of all guests use the names below, and few need the parser
    from shimtool.configs.libvirt.xml import Element

XEN = "http://libvirt.org/schemas/domain/xen/1.0"  # from libvirt 6.7.0 on

PATHS = {
    "name": "name",
    "type": "os/type",
    "memory": "currentMemory",
    "maxmem": "memory",
    "vcpus": "vcpu",
    "maxvcpus": "vcpu@current",
    "kernel": "os/kernel",
    "ramdisk": "os/initrd",
    "cmdline": "os/cmdline",
    "bootloader": "bootloader",
    "bootloader_args": "bootloader_args",
    "boot": "os/boot",
    "boot_disk": "devices/disk/boot",
    "boot_vif": "devices/interface/boot",
    "e820_host": "features/xen/e820_host",
    "hap": "features/hap",
    "cpu": "cpu",
    "vnuma": "cpu/numa",
    "viridian": "features/hyperv",
    "disk": "devices/disk",
    "vif": "devices/interface",
    "console": "devices/console",
    "serial": "devices/serial",
    "parallel": "devices/parallel",
    "vfb": "devices/graphics",
    "vga": "devices/video",
    "keyboard": "devices/input",
    "soundhw": "devices/sound",
    "usb": "devices/controller[@type='usb']",
    "device_model_override": "devices/emulator",
    "device_model_args": "xen:commandline",
}


def _element(path: str) -> str:
    """Return how messages name the element that a path ends in: <initrd>, <input type='x'>."""
    last = path.rpartition("/")[2]
    if last.endswith("]"):
        return f"<{last.removesuffix(']').replace('[@', ' ')}>"
    return f"<{last.partition('@')[0]}>"


VOCABULARY = Vocabulary(
    toolstack="libvirt",
    console="virsh console",
    pvh_shims="libvirt starts shims in PVH mode",
    placing="<vcpu cpuset='...'> and <vcpupin>",
    memory_unit="without a unit it counts KiB",
    advises_pvh=False,
    elements=MappingProxyType(
        {key: _element(path) for key, path in PATHS.items()}
        | {
            "memory": "<memory>",
            "root": "<cmdline>",
            "device_model_args": "<xen:commandline>",
            "pci": "<hostdev type='pci'>",
            "usbdev": "<hostdev type='usb'>",
            "hostdev": "<hostdev>",
        }
    ),
)


def matches(root: "Element", path: str) -> Iterator["Element"]:
    """Yield the elements at a path of PATHS, in order; of an attribute, those that have it."""
    path, _, attribute = path.partition("@") if not path.endswith("]") else (path, "", "")
    found = [root]
    for step in path.split("/"):
        name, wanted = _step(step)
        children = (child for each in found for child in each.all(name))
        found = [child for child in children if wanted.items() <= child.attributes.items()]
    yield from (each for each in found if not attribute or attribute in each.attributes)


def _step(step: str) -> tuple[str, dict[str, str]]:
    name, _, condition = step.partition("[@")
    key, _, value = condition.removesuffix("']").partition("='")
    prefix, colon, local = name.partition(":")
    full = f"{XEN} {local}" if colon and prefix == "xen" else name
    return full, {key: value} if key else {}
