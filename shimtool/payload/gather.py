"""From what a config names to what the shim will start: files found, hashed and understood."""

from pathlib import Path

from shimtool.assets import Assets
from shimtool.dom0.paths import Found, SearchPaths, find, find_disk
from shimtool.errors import Fault, Location, ShimtoolError, fault, raise_all
from shimtool.model import (
    BootloaderBoot,
    ConfigString,
    Disk,
    Extracted,
    Guest,
    Kernel,
    KernelBoot,
    NoBoot,
    Payload,
    PvGrub,
    Ramdisk,
    Settings,
)
from shimtool.payload import pvgrub
from shimtool.payload.inputs import InputCache
from shimtool.plan import bootloader

_FORMATS = ("raw", "qcow2", "vhd")  # that can be read here


def gather(
    guest: Guest, search_paths: SearchPaths, inputs: InputCache, assets: Assets, settings: Settings
) -> Payload:
    """Find and read the guest's kernel and ramdisk.

    Those of a pygrub guest: PV GRUB, which reads its disk at every boot; or where that cannot
    honour the config, or with --extract, what pygrub would take out of the disk, taken now.
    Raises ShimtoolError with all faults.
    """
    match guest.boot:
        case KernelBoot(kernel, ramdisk):
            return _from_dom0(guest, kernel, ramdisk, search_paths, inputs)
        case BootloaderBoot() as boot:
            if _extracts(guest, boot, settings):
                return _from_disk(guest, boot, search_paths, settings)
            wanted = settings.pvgrub is PvGrub.I386
            image = assets.pvgrub_i386 if wanted else assets.pvgrub_x86_64
            return _by_pvgrub(guest, boot, inputs.kernel(Found(f"shimtool:{image.name}", image)))
        case NoBoot(why):
            raise fault(f"nothing to boot from: {why}", guest.config)


def _by_pvgrub(guest: Guest, boot: BootloaderBoot, image: Kernel) -> Payload:
    """Ask the config's wishes of PV GRUB; the plan refuses what it cannot be asked for."""
    request = bootloader.pvgrub_request(guest, boot)
    if bootloader.payload_faults(guest, Payload(image, pvgrub=request)):
        return Payload(image, pvgrub=request)
    return Payload(pvgrub.asking(image, request), pvgrub=request)


def _extracts(guest: Guest, boot: BootloaderBoot, settings: Settings) -> bool:
    if not bootloader.is_pygrub(boot):
        return False  # the plan refuses it
    return (
        bool(bootloader.ignored_by_pvgrub(boot)) if settings.extract is None else settings.extract
    )


def _from_dom0(
    guest: Guest,
    kernel: ConfigString,
    ramdisk: ConfigString | None,
    search_paths: SearchPaths,
    inputs: InputCache,
) -> Payload:
    faults: list[Fault] = []
    found_kernel: Kernel | None = None
    found_ramdisk: Ramdisk | None = None
    try:
        found_kernel = inputs.kernel(find(search_paths, kernel, guest.config))
    except ShimtoolError as error:
        faults += error.faults
    try:
        if ramdisk is not None:
            found_ramdisk = inputs.ramdisk(find(search_paths, ramdisk, guest.config, "ramdisk"))
    except ShimtoolError as error:
        faults += error.faults
    if found_kernel is None or faults:
        raise ShimtoolError(*faults)
    return Payload(found_kernel, found_ramdisk)


def _from_disk(
    guest: Guest,
    boot: BootloaderBoot,
    search_paths: SearchPaths,
    settings: Settings,
) -> Payload:
    """Extract; where that was not asked for, a failure also says what PV GRUB could not honour."""
    try:
        return _extracted(guest, boot, search_paths)
    except ShimtoolError as error:
        others = [] if settings.extract else bootloader.pvgrub_faults(guest, boot)
        raise ShimtoolError(*others, *error.faults) from None


def _extracted(guest: Guest, boot: BootloaderBoot, search_paths: SearchPaths) -> Payload:
    from shimtool.payload.guest_disk.extract import GuestDisk, extract  # noqa: PLC0415 - pygrub guests only
    from shimtool.payload.guest_disk.find_boot_entry import BootRequest  # noqa: PLC0415 - as above

    asked, _refused = bootloader.options(guest, boot)
    disks = _disks(guest)
    places = [
        GuestDisk(disk.target, path, disk.format)
        for number, disk in enumerate(disks)
        if (path := _place(guest, disk, search_paths, needed=not number))
    ]
    wanted = BootRequest(asked.entry, asked.kernel, asked.ramdisk, asked.offset)
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
        ),
    )


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
    if disk.format not in _FORMATS:
        raise_all([_unreadable(guest, disk)] if needed else [])
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


def _unreadable(guest: Guest, disk: Disk) -> Fault:
    return Fault(
        f"a disk of format {disk.format} cannot be read here",
        Location(guest.config, disk.line),
        disk.text,
        "convert it to raw or qcow2 (qemu-img convert), or put kernel and ramdisk into dom0 and"
        f" set {guest.written('kernel')} and {guest.written('ramdisk')} instead of"
        f" {guest.written('bootloader')}",
    )
