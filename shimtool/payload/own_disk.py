"""What boots from a guest's own disks, found here: glanced at, or taken out."""

from pathlib import Path
from typing import TYPE_CHECKING

from shimtool.deferred import dataclass
from shimtool.dom0.paths import SearchPaths, find_disk
from shimtool.errors import Fault, Location, ShimtoolError, fault, raise_all
from shimtool.model import BootloaderBoot, ConfigString, Disk, Extracted, Guest, Payload
from shimtool.plan import bootloader

if TYPE_CHECKING:
    from shimtool.payload.guest_disk.answers import Glimpse
    from shimtool.payload.guest_disk.extract import GuestDisk
    from shimtool.payload.guest_disk.find_boot_entry import BootRequest

_FORMATS = ("raw", "qcow2", "vhd")  # that can be read here
_DOM0 = ("", "0", "Domain-0")


@dataclass(frozen=True, slots=True)
class Unseen:
    """Why disks were not looked at, as a sentence."""

    why: str


def extracted(
    guest: Guest, boot: BootloaderBoot, search_paths: SearchPaths, because: str
) -> Payload:
    """Take out what pygrub would, `because` PV GRUB cannot start it. Raises ShimtoolError."""
    from shimtool.payload.guest_disk.extract import extract  # noqa: PLC0415 - pygrub guests only

    asked, _refused = bootloader.options(guest, boot)
    disks, places, wanted = _request(guest, boot, search_paths)
    found = extract(places, wanted, Location(guest.config, disks[0].line), guest.words)
    return Payload(
        found.kernel,
        found.ramdisk,
        Extracted(
            disk=disks[0].target,
            menu=found.menu,
            title=found.title,
            command_line=bootloader.command_line(asked, found.arguments),
            cleanly_unmounted=found.cleanly_unmounted,
            because=because,
        ),
    )


def glance(guest: Guest, boot: BootloaderBoot, search_paths: SearchPaths) -> "Glimpse | Unseen":
    """Look at what boots from the guest's disks, if that can be done here."""
    from shimtool.payload.guest_disk.extract import glimpse  # noqa: PLC0415 - pygrub guests only

    try:
        disks, places, wanted = _request(guest, boot, search_paths)
        return glimpse(places, wanted, Location(guest.config, disks[0].line))
    except ShimtoolError as error:
        return Unseen(f"The disk was not looked at: {error.faults[0].message}")


def _request(
    guest: Guest, boot: BootloaderBoot, search_paths: SearchPaths
) -> "tuple[list[Disk], list[GuestDisk], BootRequest]":
    """Return the disks of the config, those of them that are here, and what is asked of them."""
    from shimtool.payload.guest_disk.extract import GuestDisk  # noqa: PLC0415 - as above
    from shimtool.payload.guest_disk.find_boot_entry import BootRequest  # noqa: PLC0415 - as above

    asked, _refused = bootloader.options(guest, boot)
    disks = _disks(guest)
    places = [
        GuestDisk(disk.target, path, disk.format)
        for number, disk in enumerate(disks)
        if (path := _place(guest, disk, search_paths, needed=not number))
    ]
    return disks, places, BootRequest(asked.entry, asked.kernel, asked.ramdisk, asked.offset)


def _disks(guest: Guest) -> list[Disk]:
    """The disks, the first of which libxl (4.2-4.21) hands to pygrub, whatever it is."""
    if not guest.disks:
        raise fault(
            "the boot loader has no disk to read",
            guest.config,
            guest.keys.get("disk"),
            remedy=f"add the guest's disk to {guest.written('disk')}",
        )
    first, *others = guest.disks
    if first.cdrom or not first.target:
        raise fault(
            f"the boot loader reads the first entry of {guest.written('disk')}, and that is a"
            " CD-ROM",
            guest.config,
            first.line,
            seen=first.text,
            remedy="name the guest's own disk first",
        )
    return [first, *(disk for disk in others if not disk.cdrom and disk.target)]


def _place(guest: Guest, disk: Disk, search_paths: SearchPaths, *, needed: bool) -> Path | None:
    """Find a disk here; only the first must be there, a swap disk is of no use."""
    if what := _of_no_file_here(disk):
        raise_all([_unreadable(guest, disk, what)] if needed else [])
        return None
    try:
        return find_disk(search_paths, _target(disk), guest.config)
    except ShimtoolError:
        if needed:
            raise
        return None


def _target(disk: Disk) -> ConfigString:
    """The path in dom0; Xen's block script takes `phy:vg0/disk` for /dev/vg0/disk."""
    relative = not disk.target.startswith("/") and disk.text.startswith("phy:")
    return ConfigString(f"/dev/{disk.target}" if relative else disk.target, disk.line)


def _of_no_file_here(disk: Disk) -> str:
    """Say of which kind a disk is that is no file or device here that can be read; else ""."""
    if disk.format not in _FORMATS:
        return f"of format {disk.format}"
    if disk.script and not disk.target.startswith("/"):
        return f"that the script {disk.script} attaches"
    if disk.backend_domain not in _DOM0:
        return f"of the domain {disk.backend_domain}"
    return ""


def _unreadable(guest: Guest, disk: Disk, what: str) -> Fault:
    convert = "convert it to raw or qcow2 (qemu-img convert), or " if " format " in what else ""
    return Fault(
        f"a disk {what} cannot be read here",
        Location(guest.config, disk.line),
        disk.text,
        f"{convert}put kernel and ramdisk into dom0 and set {guest.written('kernel')} and"
        f" {guest.written('ramdisk')} instead of {guest.written('bootloader')}",
    )
