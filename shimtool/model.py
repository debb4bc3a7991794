"""The one model everybody passes, frozen, with closed cases.

    config --reader--> Guest --plan(Host, Shim, Payload)--> Plan --writers--> NAME.iso, NAME.cfg

Text from configs is `str` decoded as UTF-8 with surrogateescape, so that any byte survives;
`os.fsencode` gives the bytes back. Paths called "dom0 paths" are strings as dom0 knows them;
`pathlib.Path` is always a path on this machine (inside the container).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Literal


class GuestType(StrEnum):
    """What kind of guest a config describes today."""

    PV = "pv"
    HVM = "hvm"
    PVH = "pvh"
    UNKNOWN = "unknown"


class Syntax(StrEnum):
    """What a config is written in. The new config of an xm guest is one for xl."""

    XL = "xl"
    XM = "xm"
    LIBVIRT = "libvirt"


class Mode(StrEnum):
    """The container that the shim will run in."""

    HVM = "hvm"
    PVH = "pvh"


class ShimKind(StrEnum):
    """Which line of development a shim is of: shims/kinds.yaml says what each one needs."""

    BASED_4_10 = "4.10-based"
    VIXEN = "vixen"


class PvGrub(StrEnum):
    """Which PV GRUB stands in for pygrub: a PV kernel can only start others of its own width."""

    X86_64 = "x86_64"
    I386 = "i386"


class Compression(StrEnum):
    """How a kernel's ELF image is compressed."""

    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    LZMA = "lzma"
    XZ = "xz"
    LZO = "lzo"
    LZ4 = "lz4"
    ZSTD = "zstd"


class Wrapping(StrEnum):
    """What a kernel file is on the outside."""

    BZIMAGE = "bzImage"
    ELF = "ELF"
    COMPRESSED_ELF = "compressed ELF"


@dataclass(frozen=True, slots=True)
class Sourced:
    """A string from a config, with the 1-based line it stands on."""

    text: str
    line: int


# --- where a guest boots from: closed cases -------------------------------------------------


@dataclass(frozen=True, slots=True)
class KernelBoot:
    """A kernel (or a PV GRUB image given as kernel=) in dom0, and perhaps a ramdisk."""

    kernel: Sourced
    ramdisk: Sourced | None = None
    kind: Literal["kernel", "pvgrub"] = "kernel"


@dataclass(frozen=True, slots=True)
class BootloaderBoot:
    """A boot loader that runs in dom0 and reads the guest's disk (pygrub)."""

    program: Sourced
    arguments: tuple[str, ...] = ()
    kind: Literal["bootloader"] = "bootloader"
    # kernel= and ramdisk= beside it: libxl hands them to it, as paths inside the guest's disk.
    kernel: Sourced | None = None
    ramdisk: Sourced | None = None


@dataclass(frozen=True, slots=True)
class NoBoot:
    """Nothing to boot a PV guest from, because of `reason`."""

    reason: str
    kind: Literal["none"] = "none"


Boot = KernelBoot | BootloaderBoot | NoBoot


@dataclass(frozen=True, slots=True)
class Disk:
    """One entry of disk=.

    `text` is the entry as written; `vdev` as the guest names it (xvda2, sda, hdc:cdrom gives hdc).
    `backend` is backendtype=, `domain` the driver domain of backend=, `script` the block script
    ("block-drbd" of a drbd: prefix); "" where the entry does not say.
    """

    text: str
    line: int
    target: str
    vdev: str
    format: str = "raw"
    readonly: bool = False
    cdrom: bool = False
    backend: str = ""
    domain: str = ""
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

    `keys` maps every key the config sets to the 1-based line of its last assignment; `filled`
    are those whose value is not empty: `pci = []` hands over nothing.
    """

    name: str
    config: Path
    type: GuestType
    boot: Boot
    memory: int
    maxmem: int
    vcpus: int
    maxvcpus: int
    root: Sourced | None = None
    extra: Sourced | None = None
    cmdline: Sourced | None = None
    disks: tuple[Disk, ...] = ()
    vifs: tuple[Vif, ...] = ()
    keys: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    filled: frozenset[str] = frozenset()
    syntax: Syntax = Syntax.XL

    @property
    def new_config(self) -> str:
        """Name of the new config in --out."""
        return f"{self.name}.{'xml' if self.syntax is Syntax.LIBVIRT else 'cfg'}"


# --- what is read from files ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Inside:
    """A file inside a guest's disk: `path`, links resolved, in one of its file systems.

    `disks` are the guest's first disk and any others needed to read it (path here, format); the
    file system is on `volume` ("", "partition 2", "LVM vg-root") of the disk numbered `disk`,
    or begins there at byte `offset`; `subvolume` is btrfs'.
    """

    disks: tuple[tuple[Path, str], ...]
    path: str
    volume: str = ""
    disk: int = 0
    subvolume: str = ""
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that conversion reads: where dom0 has it, where it is here, and what it held.

    `stamp` is (device, inode, size, ctime in ns): equal stamps mean unchanged content. Of a file
    `inside` a guest's disk, `path` is that disk, and the stamp the guest's word: good for asking
    whether to look again, never for taking a hash from an earlier run.
    """

    dom0_path: str
    path: Path
    size: int
    sha256: str
    stamp: tuple[int, int, int, int]
    inside: Inside | None = None


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """What a kernel's headers and Xen ELF notes say.

    `payload` is (offset, length) in bytes of the (compressed) ELF inside the file;
    `guest_os` is the note's word: "linux", "GRUB", "Mini-OS" ...
    """

    wrapping: Wrapping
    compression: Compression
    payload: tuple[int, int]
    bits: Literal[32, 64]
    pv: bool
    guest_os: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel file and what is known of it."""

    file: SourceFile
    facts: KernelFacts


@dataclass(frozen=True, slots=True)
class Ramdisk:
    """A ramdisk file; `gzip` when it begins with gzip's magic, `cpio` when (un)packed it is one."""

    file: SourceFile
    gzip: bool
    cpio: bool


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was taken from inside the guest's disk: the entry's `title` in which `menu`, "" where

    none was read, and its command line; `settled`: the file system had been unmounted cleanly.
    """

    disk: str
    menu: str
    title: str
    command_line: str
    settled: bool


@dataclass(frozen=True, slots=True)
class Payload:
    """What the shim will start: kernel (or PV GRUB image) and ramdisk."""

    kernel: Kernel
    ramdisk: Ramdisk | None = None
    extracted: Extracted | None = None


@dataclass(frozen=True, slots=True)
class Shim:
    """A PV shim at hand, identified.

    `version` is Xen's ("4.10.4"); `compressions` are the kernels it can unpack by itself.
    """

    name: str
    file: Path
    size: int
    sha256: str
    build_id: str | None
    version: str | None
    modes: frozenset[Mode]
    origin: str
    default: bool = False
    kind: ShimKind = ShimKind.BASED_4_10


@dataclass(frozen=True, slots=True)
class Host:
    """What is known of the dom0 that will run the guests; None = not known.

    `xen` is (major, minor, point), the point release None when only "4.9" was said.
    """

    xen: tuple[int, int, int | None] | None = None
    hvm: bool | None = None
    source: str = "not known"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for. `mode` None = the best the host can do; `extract` None = where

    PV GRUB cannot honour a pygrub guest's config.
    """

    host_out: str = "/var/lib/xen/shimtool"
    mode: Mode | None = None
    shim_args: str | None = None
    force: bool = False
    pvgrub: PvGrub = PvGrub.X86_64
    extract: bool | None = None


# --- the plan --------------------------------------------------------------------------------

ConfigValue = int | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfigEdits:
    """Keys whose assignments become comments, and assignments to append, in order."""

    retire: tuple[str, ...]
    settings: tuple[tuple[str, ConfigValue], ...]


@dataclass(frozen=True, slots=True)
class BootImage:
    """Content of a boot ISO: what ISOLINUX and mboot.c32 hand to the shim.

    `unpack`: store the kernel's ELF, because the shim cannot unpack it or the loader would.
    `guard`: put an empty cpio archive before the ramdisk, hiding gzip's magic from the loader.
    """

    shim: Shim
    shim_args: str
    payload: Payload
    command_line: str
    unpack: bool = False
    guard: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that convert will do for one guest.

    `files` are the names written to --out for it, the config last.
    """

    guest: Guest
    mode: Mode
    host: Host
    edits: ConfigEdits
    image: BootImage
    files: tuple[str, ...]
    warnings: tuple[str, ...] = ()
