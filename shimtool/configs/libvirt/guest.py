"""What a domain's XML says of a guest, as libvirt's libxl driver takes it (read: 9.0.0)."""

import re
from functools import partial
from pathlib import Path, PurePosixPath

from shimtool.configs.libvirt.devices import disks, hardware, vifs
from shimtool.configs.libvirt.keys import PATHS, VOCABULARY, matches
from shimtool.configs.libvirt.units import bytes_of
from shimtool.configs.libvirt.xml import Element
from shimtool.configs.xl.guest import PVGRUB, unfit
from shimtool.errors import Fault, Location, raise_all
from shimtool.model import (
    Boot,
    BootloaderBoot,
    ConfigString,
    Guest,
    GuestType,
    KernelBoot,
    NoBoot,
    Syntax,
)

_TYPES = {"xen": GuestType.PV, "linux": GuestType.PV, "hvm": GuestType.HVM, "xenpvh": GuestType.PVH}

# What pygrub took out of the guest's disk under xend, which then said so in the domain's XML.
_TAKEN = re.compile(r"/var/(?:lib|run)/xend?/(?:boot/)?(?:boot_kernel|vmlinuz)\.[^/]+")


def read_guest(root: Element, data: bytes, path: Path) -> Guest:
    """Return the guest. Raises ShimtoolError with everything wrong in it, by line."""
    faults: list[Fault] = []
    kind = _type(root, path, faults)
    memory, maxmem = _memory(root, path, faults)
    vcpus, maxvcpus = _vcpus(root, path, faults)
    found = {key: next(matches(root, where), None) for key, where in PATHS.items()}
    keys = {key: element.line for key, element in found.items() if element}
    given = hardware(root)
    boot = _boot(root, kind)
    guest = Guest(
        name=_name(root, path, faults),
        config=path,
        type=kind,
        boot=boot,
        memory=memory,
        maxmem=maxmem,
        vcpus=vcpus,
        maxvcpus=maxvcpus,
        cmdline=None if _stale(boot, keys) else _string(root, "cmdline"),
        disks=disks(root, data, path, faults),
        vifs=vifs(root, data),
        keys=keys | given,
        non_empty_keys=_non_empty_keys(root, boot, keys) | frozenset(given),
        syntax=Syntax.LIBVIRT,
        words=VOCABULARY,
    )
    raise_all(sorted(faults, key=lambda each: (each.where and each.where.line) or 0))
    return guest


def _non_empty_keys(root: Element, boot: Boot, keys: dict[str, int]) -> frozenset[str]:
    """Name what has content; of texts, those that are not empty."""
    texts = ("kernel", "ramdisk", "cmdline", "bootloader", "bootloader_args")
    empty = {key for key in texts if not _string(root, key)}
    unheard = {"kernel", "ramdisk", "cmdline"} if _stale(boot, keys) else set()
    return frozenset(keys) - empty - unheard


def _stale(boot: Boot, keys: dict[str, int]) -> bool:
    """Whether kernel, ramdisk and command line are what pygrub found at the last start."""
    return isinstance(boot, BootloaderBoot) and boot.kernel is None and "kernel" in keys


def _string(root: Element, key: str) -> ConfigString | None:
    """Return an element's text; libvirt takes an empty one for none."""
    found = root.find(PATHS[key])
    return ConfigString(found.text, found.line) if found and found.text else None


def _type(root: Element, path: Path, faults: list[Fault]) -> GuestType:
    """Read domain/@type and os/type; without the latter a boot loader means PV."""
    if root.attributes.get("type") != "xen":
        return GuestType.UNKNOWN
    said = root.find("os/type")
    if said is None and _string(root, "bootloader"):
        return GuestType.PV
    kind = _TYPES.get(said.text) if said else None
    if kind is None:
        faults.append(
            Fault(
                "unknown <os><type>" if said else "there is no <os><type>",
                Location(path, (said or root.find("os") or root).line),
                said.text[:60] if said else None,
                f"use one of {', '.join(_TYPES)}",
            )
        )
    return kind or GuestType.UNKNOWN


def _name(root: Element, path: Path, faults: list[Fault]) -> str:
    name = root.find("name")
    if name is None or not name.text:
        line = (name or root).line
        faults.append(Fault("the guest has no name", Location(path, line), remedy="set <name>"))
        return ""
    if why := unfit(name.text):
        remedy = "give the guest a name that can be a file's (virsh domrename)"
        where = Location(path, name.line)
        faults.append(Fault(f"the guest's name {why}", where, ascii(name.text[:60]), remedy))
    return name.text


def _memory(root: Element, path: Path, faults: list[Fault]) -> tuple[int, int]:
    """Return <currentMemory> (<memory>'s where it has none, or more) and <memory>, in MiB."""
    total, now = root.find("memory"), root.find("currentMemory")
    if total is None:
        faults.append(
            Fault("there is no <memory>", Location(path, root.line), remedy="set <memory>")
        )
    most = _amount(total, path, faults) if total else None
    least = _amount(now, path, faults) if now else None
    maxmem = most or 1
    return min(least or maxmem, maxmem), maxmem


def _amount(element: Element, path: Path, faults: list[Fault]) -> int | None:
    """Return the MiB that an element says, rounded up, as libvirt hands them to libxl."""
    unit, text = element.attributes.get("unit", ""), element.text.strip(" \t\r\n")
    size = bytes_of(int(text), unit) if re.fullmatch("[0-9]{1,19}", text, re.ASCII) else None
    if not size:
        message = f"<{element.name}> is no amount of memory that libvirt can read"
        seen = f"{text[:60]} {unit[:20]}".rstrip()
        remedy = f"write it as <{element.name} unit='KiB'>NUMBER</{element.name}>"
        faults.append(Fault(message, Location(path, element.line), seen, remedy))
        return None
    return -(-size >> 20)


def _vcpus(root: Element, path: Path, faults: list[Fault]) -> tuple[int, int]:
    """Return the vCPUs that are there at the start, and the most there may be."""
    element = root.find("vcpu")
    if element is None:
        return 1, 1
    read = partial(_count, element, path, faults)
    most = read(element.text.strip(" \t\r\n") or "1", "<vcpu>")
    now = read(element.attributes.get("current", str(most)), "current= of <vcpu>")
    if now > most:
        message = f"current= of <vcpu> is {now}, more than the {most} there may be"
        faults.append(Fault(message, Location(path, element.line), remedy="correct <vcpu>"))
    return min(now, most), most


def _count(element: Element, path: Path, faults: list[Fault], text: str, what: str) -> int:
    if re.fullmatch("[0-9]{1,9}", text, re.ASCII) and int(text):
        return int(text)
    where = Location(path, element.line)
    faults.append(Fault(f"{what} is no number of vCPUs", where, text[:60], "correct <vcpu>"))
    return 1


def _boot(root: Element, kind: GuestType) -> Boot:
    """Return what boots the guest: without boot loader and kernel libvirt runs pygrub."""
    if kind is GuestType.HVM:
        return NoBoot("an HVM guest boots by its own firmware")
    program, kernel, ramdisk = (_string(root, key) for key in ("bootloader", "kernel", "ramdisk"))
    if kernel and not program:
        name = PurePosixPath(kernel.text).name
        return KernelBoot(kernel, ramdisk, "pvgrub" if PVGRUB.fullmatch(name) else "kernel")
    if kernel and _TAKEN.fullmatch(kernel.text):
        kernel = ramdisk = None
    arguments = _string(root, "bootloader_args")
    words = re.split("[ \t\n]+", arguments.text) if arguments else ()
    line = (root.find("os/type") or root).line
    return BootloaderBoot(
        program or ConfigString("pygrub", line),
        tuple(word for word in words if word),
        kernel=kernel,
        ramdisk=ramdisk,
    )
