"""The host, the shim, what the user asked for, and the plan made of them all."""

from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from shimtool.deferred import dataclass
from shimtool.model.guest import Guest
from shimtool.model.payload import Payload, SourceFile


class Mode(StrEnum):
    """The container that the shim will run in."""

    HVM = "hvm"
    PVH = "pvh"


class ShimKind(StrEnum):
    """Which line of development a shim is of: shims/kinds.yaml says what each one needs."""

    PVSHIM = "pvshim"
    VIXEN = "vixen"

    @classmethod
    def _missing_(cls, value: object) -> "ShimKind | None":
        """Know the word that shimtool's first version had for it, and that its catalogues hold."""
        return cls.PVSHIM if value == "4.10-based" else None


class BootLoader(StrEnum):
    """What finds the kernel of a guest whose boot loader ran in dom0.

    `auto`: in PVH mode that boot loader, as before (`keep`: nothing else); in HVM mode PV GRUB, or
    what is taken out of the guest's disk (`extract`) where that cannot do as the config says.
    """

    AUTO = "auto"
    KEEP = "keep"
    PVGRUB = "pvgrub"
    EXTRACT = "extract"


class MemoryWish(StrEnum):
    """What memory= is to be: what lets the guest have the `same` as before, or what it was."""

    SAME = "same"
    KEEP = "keep"


class PvGrub(StrEnum):
    """Which PV GRUB stands in for pygrub: a PV kernel can only start others of its own width."""

    X86_64 = "x86_64"
    I386 = "i386"


@dataclass(frozen=True, slots=True)
class Shim:
    """A PV shim that can be used, identified.

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
    kind: ShimKind = ShimKind.PVSHIM


@dataclass(frozen=True, slots=True)
class Host:
    """What is known of the dom0 that will run the guests; None where it is not known.

    `xen` is (major, minor, point), the point release None when only "4.9" was given; `hvm` is
    whether it can run HVM guests, `source` where this was read.
    """

    xen: tuple[int, int, int | None] | None = None
    hvm: bool | None = None
    source: str = "not known"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for.

    `mode` None is the best that the host can do; `shim_args` None are those of the shim's kind;
    `pvgrub` None is that of 64 bits where it is needed, another value asks for PV GRUB;
    `extract` None extracts kernels where PV GRUB would ignore what a pygrub guest's config sets;
    `verbose_boot` lets the pre-stage say what it does; `memory` whether memory= may grow.
    """

    host_out: str = "/var/lib/xen/shimtool"
    mode: Mode | None = None
    shim_args: str | None = None
    force: bool = False
    boot_loader: BootLoader = BootLoader.AUTO
    pvgrub: PvGrub | None = None
    extract: bool | None = None
    verbose_boot: bool = False
    memory: MemoryWish = MemoryWish.SAME


ConfigValue = int | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConfigEdits:
    """Keys whose assignments become comments, and assignments to append, in order.

    Of a libvirt guest, paths of elements to remove and to set (configs/libvirt/keys.py).
    """

    comment_out: tuple[str, ...]
    settings: tuple[tuple[str, ConfigValue], ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A block of `size` bytes of memory (a power of two) for the kernel, which the pre-stage makes
    free where the guest has less than `enough` bytes (container/prestage/room.h).
    """

    LEAST: ClassVar = 4 << 20
    MOST: ClassVar = 512 << 20
    MOST_ENOUGH: ClassVar = 2 << 30

    size: int
    enough: int

    def is_possible(self) -> bool:
        """Whether the pre-stage can be told of it."""
        fits = self.LEAST <= self.size <= self.MOST and self.size < self.enough <= self.MOST_ENOUGH
        return fits and not self.size & (self.size - 1)


@dataclass(frozen=True, slots=True)
class PreStage:
    """What the program between boot loader and shim (container/prestage) does for a guest.

    It lets ACPI list `vcpus` processors, and sets `event_vector` for each of them before the shim
    does (None: it leaves that to the shim). `verbose`: it says so. `block`: what it makes free for
    the kernel, which would not start otherwise (None: it would).
    """

    vcpus: int
    event_vector: int | None = None
    verbose: bool = False
    block: Block | None = None


@dataclass(frozen=True, slots=True)
class BootImage:
    """What the shim is given: the content of a boot ISO; in PVH mode, what xl gets instead of one.

    `payload` None: the guest's own boot loader finds it at each start, as before (PVH).
    `pre_stage` None: the boot loader of the ISO hands over by itself. `unpack`: store the kernel's
    ELF, as the shim cannot unpack it or the loader would. `hide_gzip`: the ramdisk begins as gzip
    does, and something must stand before it, as the loader unpacks such files.
    """

    shim: Shim
    shim_args: str
    payload: Payload | None
    command_line: str
    pre_stage: PreStage | None = None
    unpack: bool = False
    hide_gzip: bool = False

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """The files that are read for it, besides the shim."""
        return () if self.payload is None else self.payload.files


class Concern(StrEnum):
    """What a warning is about: for scripts, which must not read its text."""

    MEMORY = "memory"
    VCPUS = "vcpus"
    OVERLOOKED = "overlooked"  # a value of another kind, which the toolstack goes on without
    KEY = "key"  # a setting that is lost, or was not tried under a shim
    DISK = "disk"
    KERNEL = "kernel"
    BOOT_LOADER = "boot-loader"
    KERNEL_UPGRADE = "kernel-upgrade"  # what must be converted again after one in dom0
    HOST = "host"  # the shim's kind, on this Xen
    LIBVIRT = "libvirt"


@dataclass(frozen=True, slots=True)
class Caution:
    """What works after conversion, but otherwise: something to know before the guest starts."""

    concern: Concern
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not as before for a guest, in a few words and in whole.

    It `warns` if the admin should read it before the guest starts: it is a Caution too.
    """

    concern: Concern
    short: str
    text: str
    warns: bool = True


@dataclass(frozen=True, slots=True)
class Memory:
    """What a guest's container will have, what of it is left for the `guest`, in MiB.

    The container `needed` so much to start this kernel; None where the kernel is not known. Where
    `block` is set that is so because the pre-stage makes it free. `raised`: the container has more
    than the guest had and the shim takes, so that the kernel starts. `video`: what neither of them
    has, as libvirt gives it to a VGA card.
    """

    container: int
    guest: int
    needed: int | None
    raised: bool = False
    video: int = 0
    block: Block | None = None


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
    memory: Memory
    files: tuple[str, ...]
    differences: tuple[Difference, ...] = ()
    warnings: tuple[Caution, ...] = ()

    @property
    def on_iso(self) -> Payload | None:
        """What the guest's boot ISO is to hold; None where it needs none."""
        return self.image.payload if self.mode is Mode.HVM else None
