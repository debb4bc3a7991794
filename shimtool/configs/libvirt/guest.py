"""What a domain's XML says of a guest, as libvirt's libxl driver takes it (read: 9.0.0)."""

import re
from dataclasses import field
from functools import partial
from pathlib import Path, PurePosixPath

from shimtool.configs.libvirt.devices import disks, hardware, vifs
from shimtool.configs.libvirt.keys import PATHS, VOCABULARY, matches
from shimtool.configs.libvirt.units import bytes_of
from shimtool.configs.libvirt.xml import Element
from shimtool.configs.xl.guest import PVGRUB, unfit
from shimtool.deferred import dataclass, regex
from shimtool.errors import Fault, Location, raise_by_line
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

# The copy that pygrub made of a kernel in the guest's disk: xend named it in the domain's XML.
_FROM_PYGRUB = regex(r"/var/(?:lib|run)/xend?/(?:boot/)?(?:boot_kernel|vmlinuz)\.[^/]+")


def read_guest(root: Element, data: bytes, path: Path) -> Guest:
    """Return the guest. Raises ShimtoolError with everything wrong in it, by line."""
    reader = _Reader(root, path)
    guest = reader.guest(data)
    raise_by_line(reader.faults)
    return guest


@dataclass(slots=True)
class _Reader:
    """Reads one domain; gathers faults and puts a default in their place."""

    root: Element
    path: Path
    faults: list[Fault] = field(default_factory=list)

    def guest(self, data: bytes) -> Guest:
        root = self.root
        found = {key: next(matches(root, where), None) for key, where in PATHS.items()}
        keys = {key: element.line for key, element in found.items() if element}
        given = hardware(root)
        kind = self._type()
        memory, maxmem = self._memory()
        vcpus, maxvcpus = self._vcpus()
        boot = _boot(root, kind)
        return Guest(
            name=self._name(),
            config=self.path,
            type=kind,
            boot=boot,
            memory=memory,
            maxmem=maxmem,
            vcpus=vcpus,
            maxvcpus=maxvcpus,
            cmdline=None if _stale(boot, keys) else _string(root, "cmdline"),
            disks=disks(root, data, self.path, self.faults),
            vifs=vifs(root, data),
            keys=keys | given,
            non_empty_keys=_non_empty_keys(root, boot, keys) | frozenset(given),
            syntax=Syntax.LIBVIRT,
            words=VOCABULARY,
        )

    def _fault(self, at: Element, message: str, seen: str | None = None, *, remedy: str) -> None:
        self.faults.append(Fault(message, Location(self.path, at.line), seen, remedy))

    def _type(self) -> GuestType:
        """Read domain/@type and os/type; without the latter a boot loader means PV."""
        if self.root.attributes.get("type") != "xen":
            return GuestType.UNKNOWN
        element = self.root.find("os/type")
        if element is None and _string(self.root, "bootloader"):
            return GuestType.PV
        kind = _TYPES.get(element.text) if element else None
        if kind is None:
            self._fault(
                element or self.root.find("os") or self.root,
                "unknown <os><type>" if element else "there is no <os><type>",
                element.text[:60] if element else None,
                remedy=f"use one of {', '.join(_TYPES)}",
            )
        return kind or GuestType.UNKNOWN

    def _name(self) -> str:
        name = self.root.find("name")
        if name is None or not name.text:
            self._fault(name or self.root, "the guest has no name", remedy="set <name>")
            return ""
        if why := unfit(name.text):
            remedy = "give the guest a name that a file can have (virsh domrename)"
            self._fault(name, f"the guest's name {why}", ascii(name.text[:60]), remedy=remedy)
        return name.text

    def _memory(self) -> tuple[int, int]:
        """Return <currentMemory> (<memory>'s where it has none, or more) and <memory>, in MiB."""
        total, now = self.root.find("memory"), self.root.find("currentMemory")
        if total is None:
            self._fault(self.root, "there is no <memory>", remedy="set <memory>")
        most = self._amount(total) if total else None
        least = self._amount(now) if now else None
        maxmem = most or 1
        return min(least or maxmem, maxmem), maxmem

    def _amount(self, element: Element) -> int | None:
        """Return the MiB that an element says, rounded up, as libvirt hands them to libxl."""
        unit, text = element.attributes.get("unit", ""), element.text.strip(" \t\r\n")
        size = bytes_of(int(text), unit) if re.fullmatch("[0-9]{1,19}", text, re.ASCII) else None
        if not size:
            self._fault(
                element,
                f"<{element.name}> is no amount of memory that libvirt can read",
                f"{text[:60]} {unit[:20]}".rstrip(),
                remedy=f"write it as <{element.name} unit='KiB'>NUMBER</{element.name}>",
            )
            return None
        return -(-size >> 20)

    def _vcpus(self) -> tuple[int, int]:
        """Return the vCPUs that are there at the start, and the most there may be."""
        element = self.root.find("vcpu")
        if element is None:
            return 1, 1
        read = partial(self._count, element)
        most = read(element.text.strip(" \t\r\n") or "1", "<vcpu>")
        now = read(element.attributes.get("current", str(most)), "current= of <vcpu>")
        if now > most:
            message = f"current= of <vcpu> is {now}, more than the {most} there may be"
            self._fault(element, message, remedy="correct <vcpu>")
        return min(now, most), most

    def _count(self, element: Element, text: str, what: str) -> int:
        if re.fullmatch("[0-9]{1,9}", text, re.ASCII) and int(text):
            return int(text)
        self._fault(element, f"{what} is no number of vCPUs", text[:60], remedy="correct <vcpu>")
        return 1


def _non_empty_keys(root: Element, boot: Boot, keys: dict[str, int]) -> frozenset[str]:
    """Name what has content; of texts, those that are not empty."""
    texts = ("kernel", "ramdisk", "cmdline", "bootloader", "bootloader_args")
    empty = {key for key in texts if not _string(root, key)}
    unused = {"kernel", "ramdisk", "cmdline"} if _stale(boot, keys) else set()
    return frozenset(keys) - empty - unused


def _stale(boot: Boot, keys: dict[str, int]) -> bool:
    """Whether kernel, ramdisk and command line are what pygrub found at the last start."""
    return isinstance(boot, BootloaderBoot) and boot.kernel is None and "kernel" in keys


def _string(root: Element, key: str) -> ConfigString | None:
    """Return an element's text; libvirt takes an empty one for none."""
    found = root.find(PATHS[key])
    return ConfigString(found.text, found.line) if found and found.text else None


def _boot(root: Element, kind: GuestType) -> Boot:
    """Return what boots the guest: without boot loader and kernel libvirt runs pygrub."""
    if kind is GuestType.HVM:
        return NoBoot("an HVM guest boots by its own firmware")
    program, kernel, ramdisk = (_string(root, key) for key in ("bootloader", "kernel", "ramdisk"))
    if kernel and not program:
        name = PurePosixPath(kernel.text).name
        return KernelBoot(kernel, ramdisk, "pvgrub" if PVGRUB.fullmatch(name) else "kernel")
    if kernel and _FROM_PYGRUB.fullmatch(kernel.text):
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
