"""Guests of libvirt: which mode its libxl driver can do, and what changes in the domain's XML.

libvirt has no pvshim=. A shim given as <kernel> of a PVH guest (OS type xenpvh, libvirt 4.10.0)
starts its <initrd> as the PV guest's kernel: one file, no command line. That is enough for
PV GRUB, as it reads the guest's own grub.cfg; everything else goes by HVM.

Settings name elements by their path (see libvirt/keys.py): `a/b` all of these, one is made where
there is none; `a/b[2]` the second one; `a/b@name` an attribute.
"""

from shimtool.configs.libvirt.keys import PATHS
from shimtool.dom0 import facts
from shimtool.errors import Fault
from shimtool.model import (
    BootImage,
    BootloaderBoot,
    ConfigEdits,
    ConfigValue,
    Guest,
    Host,
    KernelBoot,
    Memory,
    Mode,
    Payload,
    Settings,
    Syntax,
)
from shimtool.model.outputs import DEVICE_MODEL_SCRIPT
from shimtool.plan import command_line, pvh
from shimtool.plan.disks import needs_cdrom
from shimtool.plan.hosting import console_port
from shimtool.plan.hvm import sizes

# The first Xen that no distribution shipped with a libvirt older than 4.10.0 (2018-12).
_KNOWS_PVH = (4, 12)

# Elements that go, in any mode and in HVM mode: libxl's driver ignores the latter for PV guests,
# or refuses them for HVM ones (input with bus='xen', video RAM below 16 MB); boot orders of
# devices cannot stand beside <os><boot>. <cpu> says nothing of a PV guest; of another one it would
# hide from the shim what it needs, or offer nested virtualization; <numa> goes with it.
_REMOVED = ("bootloader", "bootloader_args", "e820_host", "vfb", "vga", "cpu")
_REMOVED_IN_HVM = (
    "kernel", "ramdisk", "cmdline", "boot", "boot_disk", "boot_vif", "hap", "viridian", "serial",
    "parallel", "keyboard", "soundhw", "usb", "device_model_args",
)  # fmt: skip


def chosen_mode(guest: Guest, host: Host, wanted: Mode | None, payload: Payload | None) -> Mode:
    """Return the mode asked for, else the best that host and, for libvirt, the payload allow."""
    if wanted is not None or guest.syntax is not Syntax.LIBVIRT:
        return facts.chosen_mode(host, wanted)
    new_enough = host.xen is not None and host.xen[:2] >= _KNOWS_PVH
    if new_enough and payload is not None and fits_pvh(guest, payload):
        return Mode.PVH
    return Mode.HVM


def fits_pvh(guest: Guest, payload: Payload) -> bool:
    """Whether a shim started as a plain PVH kernel could start this payload."""
    return payload.ramdisk is None and not command_line.join(guest, payload)


def faults(guest: Guest, mode: Mode, payload: Payload | None) -> list[Fault]:
    """List why libvirt cannot start this payload in this mode, if so."""
    if guest.syntax is not Syntax.LIBVIRT or mode is Mode.HVM:
        return []
    if payload is None or fits_pvh(guest, payload):
        return []
    return [
        guest.fault(
            "ramdisk" if "ramdisk" in guest.keys else "cmdline",
            "libvirt cannot give the shim a ramdisk or command line for the guest in PVH mode:"
            " only guests that boot by PV GRUB work so",
            remedy="use --mode hvm, or convert an xl config of this guest",
        )
    ]


def warnings(guest: Guest, mode: Mode, settings: Settings) -> list[str]:
    """List what the admin of a libvirt guest should know."""
    if guest.syntax is not Syntax.LIBVIRT:
        return []
    found = []
    if isinstance(guest.boot, BootloaderBoot) and not guest.boot.kernel and "kernel" in guest.keys:
        found.append("<kernel>, <initrd> and <cmdline>, which pygrub left there, are not used")
    if mode is Mode.PVH:
        found.append("libvirt must be 4.10.0 or later to start this")
        return found
    script = f"{settings.host_out}/{DEVICE_MODEL_SCRIPT}"
    found.append(
        "where AppArmor confines libvirtd (Debian, Ubuntu, SUSE), let it run the device-model"
        f" script: add the line '{script} PUx,' to /etc/apparmor.d/local/usr.sbin.libvirtd, then"
        " apparmor_parser -r /etc/apparmor.d/usr.sbin.libvirtd"
    )
    found.append("virsh domrename leaves the boot ISO behind: rename NAME.iso as well")
    return found


def edits(
    guest: Guest, image: BootImage, memory: Memory, mode: Mode, settings: Settings
) -> ConfigEdits:
    """Return which elements go and which are set."""
    changed = dict(sizes(guest, image, memory))
    removed: list[str] = [*_REMOVED]
    if mode is Mode.HVM:
        removed += _REMOVED_IN_HVM
        new = _hvm(guest, settings, console_port(image.shim))
    else:
        new = _pvh(guest, image, settings)
    new += [(PATHS[key], changed[key]) for key in ("memory", "maxmem") if key in changed]
    if "maxvcpus" in changed:  # <vcpu current='4'>8</vcpu> becomes <vcpu>4</vcpu>
        removed.append("maxvcpus")
        new.append((PATHS["vcpus"], changed["maxvcpus"]))
    comment_out = tuple(PATHS[key] for key in removed if key in guest.keys)
    return ConfigEdits(comment_out=comment_out, settings=tuple(new))


_Settings = list[tuple[str, ConfigValue]]


def _hvm(guest: Guest, settings: Settings, serial: str | None) -> _Settings:
    """Return what an HVM guest that boots the ISO must have; with `serial` its console is that.

    The boot CD is not in the XML: <xen:commandline> came with libvirt 6.7.0, and a disk would be
    the guest's too. The device-model script adds the ISO that lies beside it.
    """
    new: _Settings = [
        ("os/type", "hvm"),
        ("os/type@machine", "xenfv"),
        ("os/boot@dev", "cdrom"),
        # Absent, libvirt turns them off. The shim counts processors by ACPI.
        ("features/acpi", ""),
        ("features/apic", ""),
        ("features/pae", ""),
        ("devices/emulator", f"{settings.host_out}/{DEVICE_MODEL_SCRIPT}"),
    ]
    new += [
        (f"devices/disk[{number}]@device", "cdrom")
        for number, disk in enumerate(guest.disks, 1)
        if needs_cdrom(disk)
    ]
    # libxl serves the CD-ROMs of HVM guests by QEMU only.
    new += [
        (f"devices/disk[{number}]/driver@name", "qemu")
        for number, disk in enumerate(guest.disks, 1)
        if (disk.cdrom or needs_cdrom(disk)) and disk.backend in ("phy", "tap")
    ]
    if guest.vifs:
        new.append(("devices/interface/model@type", "netfront"))
    return new + _console(guest, serial)


def _console(guest: Guest, serial: str | None) -> _Settings:
    """Say which the console is: in HVM libvirt takes one without <target type> for serial."""
    new: _Settings = [] if serial is None else [("devices/serial@type", serial)]
    if "console" not in guest.keys:
        new.append(("devices/console@type", "pty"))
    return [*new, ("devices/console/target@type", "xen" if serial is None else "serial")]


def _pvh(guest: Guest, image: BootImage, settings: Settings) -> _Settings:
    """Return what a PVH guest must have whose kernel is the shim: fits_pvh() says when it can."""
    if isinstance(guest.boot, KernelBoot):
        started = guest.boot.kernel.text
    else:  # PV GRUB, and nothing else
        started = "".join(f"{settings.host_out}/{name}" for name in pvh.payload_files(guest, image))
    return [
        ("os/type", "xenpvh"),
        ("os/type@machine", "xenpvh"),
        ("os/kernel", f"{settings.host_out}/{pvh.shim_file(image)}"),
        ("os/initrd", started),
        ("os/cmdline", image.shim_args),
    ]
