"""What is read from files: kernels, ramdisks, and what came from inside a guest's disk."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from shimtool.deferred import dataclass


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
class GuestDiskFile:
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
class FilledFile:
    """A file of which bytes are exchanged when it is copied: `content` stands at `offset`."""

    original: "SourceFile"
    offset: int
    content: bytes


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that conversion reads: where dom0 has it, where it is here, and what it held.

    `stamp` is (device, inode, size, ctime in ns): equal stamps mean unchanged content. Of a file
    `inside` a guest's disk, `path` is that disk, and the stamp is what the guest claims: it may
    tell whether to look again, but never that a hash of an earlier run still holds. One that is
    `filled` has the hash of what it becomes, and a stamp that no file has.

    `lasting`: nobody but root and who runs this can write to it. Only then what was read of it
    holds for every file of the same hash: a writer can change content under an old ctime (mmap).
    """

    dom0_path: str
    path: Path
    size: int
    sha256: str
    stamp: tuple[int, int, int, int]
    inside: GuestDiskFile | None = None
    lasting: bool = False
    filled: FilledFile | None = None


@dataclass(frozen=True, slots=True)
class KernelRoom:
    """What a kernel takes of memory, in bytes: as an unpacked ELF `image`, and `loaded`, from
    where its virtual memory begins to its end.

    What it does not find by itself lies in that memory too, behind it: its ramdisk if it
    `maps_ramdisk`, and the table of its pages if it `maps_page_list`.
    """

    image: int
    loaded: int
    maps_ramdisk: bool
    maps_page_list: bool


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """What a kernel's headers and Xen ELF notes say.

    `payload` is (offset, length) in bytes of the (compressed) ELF inside the file;
    `guest_os` is what the note says: "linux", "GRUB", "Mini-OS" ... `room` is None only in
    reports of shimtools that did not look for it.
    """

    wrapping: Wrapping
    compression: Compression
    payload: tuple[int, int]
    bits: Literal[32, 64]
    pv: bool
    guest_os: str | None = None
    version: str | None = None
    room: KernelRoom | None = None


@dataclass(frozen=True, slots=True)
class Kernel:
    """A kernel file and what is known of it."""

    file: SourceFile
    facts: KernelFacts


@dataclass(frozen=True, slots=True)
class Ramdisk:
    """A ramdisk file; `gzip` when it begins with gzip's magic, `cpio` when (un)packed it is one.

    `unzipped` is what it says it unpacks to, in bytes, if it is gzip.
    """

    file: SourceFile
    gzip: bool
    cpio: bool
    unzipped: int | None = None


@dataclass(frozen=True, slots=True)
class PvGrubRequest:
    """What PV GRUB does for a guest besides booting by its menu.

    `words` are added to the kernel's command line. `kernel` and `ramdisk` are paths inside of the
    first disk that has them, to boot without a menu; "" where the menu decides. `disks` are the
    guest's, as xl calls them, in the order in which they are searched.
    """

    words: str = ""
    kernel: str = ""
    ramdisk: str = ""
    disks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Extracted:
    """What was copied from inside the guest's disk, and where it stood.

    `title` is that of the boot entry in the file `menu`, both "" where no menu was read; `because`
    is why PV GRUB was not taken, "" where extraction was asked for. Of a file
    system that was not `cleanly_unmounted` (the guest may run), files may be half-written.
    """

    disk: str
    menu: str
    title: str
    command_line: str
    cleanly_unmounted: bool
    because: str = ""


@dataclass(frozen=True, slots=True)
class Payload:
    """What the shim will start: kernel (or PV GRUB image) and ramdisk.

    `extracted` tells where they were found, if inside the guest's disk; `pvgrub` what PV GRUB is
    asked for, if that is what the shim starts in pygrub's place, and `unseen` why the guest's disk
    was not looked at then, "" where PV GRUB can start what is on it.
    """

    kernel: Kernel
    ramdisk: Ramdisk | None = None
    extracted: Extracted | None = None
    pvgrub: PvGrubRequest | None = None
    unseen: str = ""

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """The files that are read of it: the kernel's, and the ramdisk's if there is one."""
        return (self.kernel.file, *([self.ramdisk.file] if self.ramdisk else ()))
