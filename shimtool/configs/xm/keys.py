"""Names of keys: those that xm read from a config, and what xl calls them.

xm's are the variables that xend's create.py declares or looks up (Xen 3.0 to 4.4), as far as they
concern the guest; xl's come from shimtool/dom0/releases.yaml.
"""

from functools import cache

from shimtool.dom0.releases import releases

_XM = frozenset(
    (
        "acpi", "acpi_firmware", "apic", "boot", "bootloader", "builder", "cpu_weight", "cpuid",
        "cpus", "device_model", "disk", "display", "extra", "gfx_passthru", "hap", "hpet",
        "ioports", "kernel", "keymap", "localtime", "maxmem", "maxvcpus", "memory", "name",
        "nestedhvm", "nographic", "nomigrate", "on_crash", "on_poweroff", "on_reboot", "oos",
        "opengl", "pae", "pci", "pci_msitranslate", "pci_power_mgmt", "pool", "ramdisk", "root",
        "rtc_timeoffset", "sdl", "serial", "shadow_memory", "smbios_firmware", "soundhw",
        "stdvga", "timer_mode", "tsc_mode", "usb", "usbdevice", "uuid", "vcpus", "vfb",
        "videoram", "vif", "vif2", "viridian", "vnc", "vncdisplay", "vnclisten", "vncpasswd",
        "vncunused", "vncviewer", "vpt_align", "vtpm", "xauthority", "xen_platform_pci",
    )
)  # fmt: skip

# xm's name: xl's name.
RENAMED = {"bootargs": "bootloader_args", "cpu_cap": "cap", "irq": "irqs"}

# xm made words on the kernel's command line of these. xl has no such keys.
COMMAND_LINE_KEYS = (
    "ip", "nfs_server", "gateway", "netmask", "hostname", "interface", "dhcp", "nfs_root",
)  # fmt: skip

# xl cannot do what xm did for these: what that was, and the remedy.
DROPPED = {
    "vscsi": ("hands SCSI devices to the guest", "leave this guest PV, or give it disk= instead"),
    "vusb": ("gives the guest USB ports", "leave this guest PV"),
    "bootentry": (
        "chooses what the boot loader starts",
        "make that the default in the guest's own grub.cfg, and remove it here",
    ),
}

# Every key whose value matters here.
READ_BY_XM = _XM | {*RENAMED, *COMMAND_LINE_KEYS, *DROPPED, "nics"}


@cache
def read_by_xl() -> frozenset[str]:
    """Return every key that xl of any known release looks up."""
    return frozenset().union(*(profile.keys for profile in releases()))


def xl_name(key: str) -> str | None:
    """Return xl's name for a key of xm, None when xl has no such key."""
    name = RENAMED.get(key, key if key in _XM else "")
    return name if name in read_by_xl() else None
