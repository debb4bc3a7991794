"""Disks, interfaces and hardware of a domain, as libvirt's libxl driver takes them."""

import os
from pathlib import Path

from shimtool.configs.libvirt.keys import PATHS, matches
from shimtool.configs.libvirt.xml import Element
from shimtool.configs.xl.vdev import KNOWN, known_vdev
from shimtool.errors import Fault, Location
from shimtool.model import Disk, Vif

# Of <source>, by the disk's type=; a disk of the network or of a pool has no path in dom0.
_SOURCES = {"file": "file", "block": "dev", "dir": "dir"}
# What libxl's back end is called, by <driver name=...>; "file" became QEMU's.
_BACKENDS = {"phy": "phy", "tap": "tap", "tap2": "tap", "qemu": "qdisk", "file": "qdisk"}
_FORMATS = {"aio": "raw", "vpc": "vhd"}  # xend's word, QEMU's word
_PASSTHROUGH = {"pci": "pci", "usb": "usbdev"}


def disks(root: Element, data: bytes, path: Path, faults: list[Fault]) -> tuple[Disk, ...]:
    """Return every <disk>, in order; what xl knows no name for becomes a fault."""
    found = matches(root, PATHS["disk"])
    return tuple(_disk(each, data, path, faults) for each in found)


def _disk(element: Element, data: bytes, path: Path, faults: list[Fault]) -> Disk:
    target, source = element.find("target"), element.find("source")
    driver, domain = element.find("driver"), element.find("backenddomain")
    vdev = target.attributes.get("dev", "") if target else ""
    if not known_vdev(vdev):
        message = f"Xen knows no virtual device {vdev[:60]}" if vdev else "the disk has no target"
        remedy = f"correct <target dev='...'>: {KNOWN}"
        faults.append(Fault(message, Location(path, element.line), remedy=remedy))
    key = _SOURCES.get(element.attributes.get("type", "file"), "")
    kind = driver.attributes.get("type", "raw") if driver else "raw"
    cdrom = element.attributes.get("device") == "cdrom"
    return Disk(
        text=_snippet(element, data),
        line=element.line,
        target=source.attributes.get(key, "") if source else "",
        vdev=vdev,
        format=_FORMATS.get(kind, kind),
        readonly=cdrom or element.find("readonly") is not None,
        cdrom=cdrom,
        backend=_BACKENDS.get(driver.attributes.get("name", ""), "") if driver else "",
        backend_domain=domain.attributes.get("name", "") if domain else "",
    )


def vifs(root: Element, data: bytes) -> tuple[Vif, ...]:
    """Return every <interface>, in order, with what xl would call its options."""
    return tuple(
        Vif(_snippet(each, data), each.line, tuple(_options(each)))
        for each in matches(root, PATHS["vif"])
    )


def _options(element: Element) -> list[tuple[str, str]]:
    wanted = (("mac", "mac", "address"), ("source", "bridge", "bridge"), ("model", "model", "type"))
    found = [(key, element.find(child), name) for child, key, name in wanted]
    return [
        (key, child.attributes[name])
        for key, child, name in found
        if child and name in child.attributes
    ]


def hardware(root: Element) -> dict[str, int]:
    """Return what of the host's hardware is handed over: xl's key for it, and the line."""
    found: dict[str, int] = {}
    for each in matches(root, "devices/hostdev"):
        found.setdefault(_PASSTHROUGH.get(each.attributes.get("type", ""), "hostdev"), each.line)
    for each in matches(root, PATHS["vif"]):
        if each.attributes.get("type") == "hostdev":
            found.setdefault("pci", each.line)
    return found


def _snippet(element: Element, data: bytes) -> str:
    return os.fsdecode(data[element.start : element.end])
