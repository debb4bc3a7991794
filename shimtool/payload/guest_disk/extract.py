"""A guest's kernel and ramdisk, found inside its own disks."""

from collections.abc import Sequence
from pathlib import Path

from shimtool.deferred import dataclass
from shimtool.errors import Fault, Location, ShimtoolError
from shimtool.model import XL, GuestDiskFile, Kernel, Ramdisk, SourceFile, Vocabulary
from shimtool.payload.guest_disk.answers import Examined, ExaminedFile, Glimpse
from shimtool.payload.guest_disk.find_boot_entry import BootRequest
from shimtool.payload.guest_disk.inside import used_disks
from shimtool.payload.guest_disk.reader import examine, glance


@dataclass(frozen=True, slots=True)
class GuestDisk:
    """One of a guest's disks: dom0's path, where it is here, and its format by the config."""

    dom0_path: str
    path: Path
    format: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """What boots from a disk: files in it, examined, and what the menu says."""

    kernel: Kernel
    ramdisk: Ramdisk | None
    arguments: str
    title: str
    menu: str
    cleanly_unmounted: bool


def extract(
    disks: Sequence[GuestDisk], wanted: BootRequest, where: Location, words: Vocabulary = XL
) -> Extraction:
    """Find and examine what boots on a guest's disks, the first of which pygrub would read.

    The others are opened only when the first has nothing (LVM may span disks). Raises
    ShimtoolError, naming `where` and in the config's `words`, when there is nothing to boot, or
    too much.
    """
    why = ""
    for tried in (disks[:1], disks)[: len(disks)]:
        found = examine(tuple((disk.path, disk.format) for disk in tried), wanted, where)
        if isinstance(found, Examined):
            return _extraction(tried, found, wanted.offset)
        if found.place:
            raise ShimtoolError(Fault(found.why, Location(found.place), None, found.remedy))
        why = found.why
    kernel, ramdisk, root, loader = map(words.written, ("kernel", "ramdisk", "root", "bootloader"))
    raise ShimtoolError(
        Fault(
            f"found nothing to boot on the guest's disk: {why}",
            where,
            ", ".join(disk.dom0_path for disk in disks),
            "mend that on the guest's disk, or copy kernel and ramdisk to dom0 and set"
            f" {kernel}, {ramdisk} and {root} instead of {loader}",
        )
    )


def glimpse(disks: Sequence[GuestDisk], wanted: BootRequest, where: Location) -> Glimpse:
    """Look at what boots on a guest's disks, found as extract does; no kernel is read whole.

    Raises ShimtoolError, naming `where`, when there is nothing that could be looked at.
    """
    why = ""
    for tried in (disks[:1], disks)[: len(disks)]:
        found = glance(tuple((disk.path, disk.format) for disk in tried), wanted, where)
        if isinstance(found, Glimpse):
            return found
        why = found.why
    raise ShimtoolError(Fault(f"found nothing to boot on it: {why}", where))


def _extraction(disks: Sequence[GuestDisk], found: Examined, offset: int | None) -> Extraction:
    used = used_disks(tuple((disk.path, disk.format) for disk in disks), found.volume, found.disk)
    disk = disks[found.disk]
    place = f"{disk.dom0_path} ({found.volume})" if found.volume else disk.dom0_path

    def file(examined: ExaminedFile) -> SourceFile:
        subvolume = f"/{examined.subvolume}" if examined.subvolume else ""
        return SourceFile(
            dom0_path=f"{place}:{subvolume}{examined.path}",
            path=disk.path,
            size=examined.size,
            sha256=examined.sha256,
            stamp=examined.stamp,
            inside=GuestDiskFile(
                used, examined.path, found.volume, found.disk, examined.subvolume, offset
            ),
        )

    ramdisk = found.ramdisk
    return Extraction(
        Kernel(file(found.kernel), found.facts),
        Ramdisk(file(ramdisk.file), ramdisk.gzip, ramdisk.cpio, ramdisk.unzipped)
        if ramdisk
        else None,
        found.arguments,
        found.title,
        found.menu,
        found.clean,
    )
