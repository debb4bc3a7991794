"""A guest's kernel and ramdisk, found inside its own disks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shimtool.dom0.paths import Found
from shimtool.errors import Fault, Location, ShimtoolError
from shimtool.model import XL, GuestDiskFile, Vocabulary
from shimtool.payload.guest_disk.find_boot_entry import (
    BootRequest,
    BootSelection,
    FoundFile,
    find_boot_entry,
)
from shimtool.payload.guest_disk.inside import Disks
from shimtool.payload.guest_disk.limits import UnreadableError


@dataclass(frozen=True, slots=True)
class GuestDisk:
    """One of a guest's disks: dom0's path, where it is here, and its format by the config."""

    dom0_path: str
    path: Path
    format: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """What boots from a disk: files to read, and what the menu says."""

    kernel: Found
    ramdisk: Found | None
    arguments: str
    title: str
    menu: str
    cleanly_unmounted: bool


def extract(
    disks: Sequence[GuestDisk], wanted: BootRequest, where: Location, words: Vocabulary = XL
) -> Extraction:
    """Find what boots on a guest's disks, the first of which pygrub would read; nothing is copied.

    The others are opened only when the first has nothing (LVM may span disks). Raises
    ShimtoolError, naming `where` and in the config's `words`, when there is nothing to boot, or
    too much.
    """
    try:
        return _found(disks[:1], wanted, where)
    except UnreadableError as error:
        why = str(error)
    if len(disks) > 1:
        try:
            return _found(disks, wanted, where)
        except UnreadableError as error:
            why = str(error)
    kernel, ramdisk, root, loader = map(words.written, ("kernel", "ramdisk", "root", "bootloader"))
    raise ShimtoolError(
        Fault(
            f"found nothing to boot on the guest's disk: {why}",
            where,
            ", ".join(disk.dom0_path for disk in disks),
            "mend the guest's boot menu, or copy kernel and ramdisk to dom0 and set"
            f" {kernel}, {ramdisk} and {root} instead of {loader}",
        )
    )


def _found(disks: Sequence[GuestDisk], wanted: BootRequest, where: Location) -> Extraction:
    opened = [(disk.path, disk.format) for disk in disks]
    with Disks(opened, where) as streams:
        picked = find_boot_entry(streams.streams, wanted)
    # What lies on one disk needs no other; a logical volume may lie on all of them.
    alone = not picked.volume.disk and not picked.volume.name.startswith("LVM")
    used = disks[:1] if alone else disks
    return Extraction(
        _file(used, picked, picked.kernel, wanted.offset),
        _file(used, picked, picked.ramdisk, wanted.offset) if picked.ramdisk else None,
        picked.arguments,
        picked.title,
        picked.menu,
        picked.tree.clean is True,
    )


def _file(
    disks: Sequence[GuestDisk], picked: BootSelection, found_file: FoundFile, offset: int | None
) -> Found:
    volume = picked.volume
    disk = disks[volume.disk]
    place = f"{disk.dom0_path} ({volume.name})" if volume.name else disk.dom0_path
    subvolume = f"/{found_file.subvolume}" if found_file.subvolume else ""
    opened = tuple((each.path, each.format) for each in disks)
    inside = GuestDiskFile(
        opened, found_file.path, volume.name, volume.disk, found_file.subvolume, offset
    )
    return Found(f"{place}:{subvolume}{found_file.path}", disk.path, inside)
