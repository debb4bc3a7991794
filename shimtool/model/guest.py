"""What a config says: the guest, its disks and interfaces, and where it boots from."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from shimtool.deferred import dataclass
from shimtool.errors import Code, Fault, Location
from shimtool.model.vocabulary import XL, Vocabulary


class GuestType(StrEnum):
    """What kind of guest a config describes today."""

    PV = "pv"
    HVM = "hvm"
    PVH = "pvh"
    UNKNOWN = "unknown"


class Syntax(StrEnum):
    """What a config is written in. The new config of a guest of xm or xend is one for xl."""

    XL = "xl"
    XM = "xm"
    SXP = "sxp"
    LIBVIRT = "libvirt"


@dataclass(frozen=True, slots=True)
class ConfigString:
    """A string from a config, with the 1-based line it stands on."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class KernelBoot:
    """A kernel (or a PV GRUB image given as kernel=) in dom0, and perhaps a ramdisk."""

    kernel: ConfigString
    ramdisk: ConfigString | None = None
    kind: Literal["kernel", "pvgrub"] = "kernel"


@dataclass(frozen=True, slots=True)
class BootloaderBoot:
    """A boot loader that runs in dom0 and reads the guest's disk (pygrub)."""

    program: ConfigString
    arguments: tuple[str, ...] = ()
    kind: Literal["bootloader"] = "bootloader"
    # kernel= and ramdisk= beside it: libxl hands them to it, as paths inside the guest's disk.
    kernel: ConfigString | None = None
    ramdisk: ConfigString | None = None


@dataclass(frozen=True, slots=True)
class NoBoot:
    """Nothing to boot a PV guest from, because of `reason`; what to do where that tells it."""

    reason: str
    remedy: str | None = None
    kind: Literal["none"] = "none"


Boot = KernelBoot | BootloaderBoot | NoBoot


@dataclass(frozen=True, slots=True)
class Disk:
    """One entry of disk=.

    `text` is the entry as written; `vdev` as the guest names it (xvda2, sda, hdc:cdrom gives hdc).
    `backend` is backendtype=, `backend_domain` the driver domain of backend=, `script` the block
    script ("block-drbd" of a drbd: prefix); "" where the entry has none.
    """

    text: str
    line: int
    target: str
    vdev: str
    format: str = "raw"
    readonly: bool = False
    cdrom: bool = False
    backend: str = ""
    backend_domain: str = ""
    script: str = ""
    virtio: bool = False


@dataclass(frozen=True, slots=True)
class Vif:
    """One entry of vif=, as written, and its options in order (key, value)."""

    text: str
    line: int
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Guest:
    """A guest as its config describes it. Memory in MiB.

    `keys` maps every key the config sets to the 1-based line of its last assignment;
    `non_empty_keys` are those whose value is not empty: `pci = []` hands over nothing.
    `overlooked` are the keys that the toolstack goes on without, and why: their value is of
    another kind. `words` are those that messages about this config are written in.
    """

    name: str
    config: Path
    type: GuestType
    boot: Boot
    memory: int
    maxmem: int
    vcpus: int
    maxvcpus: int
    root: ConfigString | None = None
    extra: ConfigString | None = None
    cmdline: ConfigString | None = None
    disks: tuple[Disk, ...] = ()
    vifs: tuple[Vif, ...] = ()
    keys: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    non_empty_keys: frozenset[str] = frozenset()
    syntax: Syntax = Syntax.XL
    overlooked: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    words: Vocabulary = XL

    def fault(
        self,
        key: str,
        message: str,
        seen: str | None = None,
        remedy: str | None = None,
        code: Code = Code.OTHER,
    ) -> Fault:
        """Build a fault at the line where `key` is set; at the file, where it is not."""
        return Fault(message, Location(self.config, self.keys.get(key)), seen, remedy, code=code)

    def written(self, key: str) -> str:
        """Return a key as this config writes it: `memory=`, <memory>."""
        return self.words.written(key)

    @property
    def new_config(self) -> str:
        """Name of the new config in --out."""
        return f"{self.name}.{'xml' if self.syntax is Syntax.LIBVIRT else 'cfg'}"
