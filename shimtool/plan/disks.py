"""Disks in the new container: which libxl takes as they are, and which only in another form.

Read in libxl_disk.c, libxl_device.c and libxl_dm.c of Xen 4.6, 4.9 and 4.17; read-only disks were
tried on 4.9.4. Raw block devices keep Linux' own back end, images QEMU's (qdisk). In HVM mode that
is the device model itself, which serves them even though its command line has no drives.
"""

from shimtool.configs.xl.disk import as_cdrom
from shimtool.configs.xl.vdev import vdev_index
from shimtool.errors import Fault, Location
from shimtool.model import Disk, Guest, Mode

# libxl gives QEMU the disks 0-3 of xvd* and hd* as IDE disks, and refuses read-only ones.
_EMULATED_DISKS = 4


def needs_cdrom(disk: Disk) -> bool:
    """Whether libxl (4.6-4.21) refuses this disk for HVM unless it is marked devtype=cdrom.

    A driver domain's disk is never emulated (from 4.7 on), nor is one with a number for a name:
    these may stay read-only.
    """
    found = vdev_index(disk.vdev)
    if found is None or disk.cdrom or not disk.readonly:
        return False
    family, index, _partition = found
    return family in ("xvd", "hd") and index < _EMULATED_DISKS and not disk.backend_domain


def for_hvm(guest: Guest) -> tuple[str, ...] | None:
    """Return disk= for an HVM guest; None when it may stay as it is."""
    entries = tuple(as_cdrom(d) if d.cdrom or needs_cdrom(d) else d.text for d in guest.disks)
    return None if entries == tuple(disk.text for disk in guest.disks) else entries


def faults(guest: Guest, mode: Mode) -> list[Fault]:
    """List the disks that no guest can have in this mode, whatever the host."""
    found = [
        _fault(
            guest,
            disk,
            "a PV guest has no virtio disks",
            "remove specification=virtio and backendtype=standalone",
        )
        for disk in guest.disks
        if disk.virtio or disk.backend == "standalone"
    ]
    if mode is Mode.PVH:
        return found
    return found + [
        _fault(
            guest,
            disk,
            "in an HVM guest QEMU alone can serve a CD-ROM or a read-only disk among the first"
            f" four, and this one has the script {disk.script}",
            guest.words.or_pvh("make the disk writable, name it xvde or later"),
        )
        for disk in guest.disks
        if disk.script and (disk.cdrom or needs_cdrom(disk))
    ]


def _fault(guest: Guest, disk: Disk, message: str, remedy: str) -> Fault:
    return Fault(message, Location(guest.config, disk.line), disk.text[:200], remedy)


def warnings(guest: Guest, mode: Mode) -> list[str]:
    """List what changes for the disks."""
    if mode is Mode.PVH:
        return []
    found = [
        f"{disk.vdev} is read-only: it is marked as CD-ROM, or {guest.words.toolstack} would"
        " refuse it, and served by QEMU; the guest sees the same read-only disk"
        for disk in guest.disks
        if needs_cdrom(disk)
    ]
    return found + [
        f"{disk.vdev}: {disk.backend_domain} must run QEMU (xl devd does) to serve a CD-ROM in HVM"
        " mode"
        for disk in guest.disks
        if disk.cdrom and disk.backend_domain
    ]
