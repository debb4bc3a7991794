"""What becomes of every key of an xl config, in each mode: one table, which shimtool-keys(5) shows.

Keys are those that xl 4.4 to 4.21 looks up (shimtool/dom0/releases.yaml). What each one does was
read in xl_parse.c, libxl_create.c and libxl_dm.c of 4.6, 4.9, 4.17 and 4.21; "shim" rows in
xen/arch/x86/pv/shim.c of 4.10 and 4.17. A key that no xl knows stays as it is.
"""

from enum import StrEnum
from functools import cache

from shimtool.deferred import dataclass
from shimtool.model import Mode, Vocabulary


class Fate(StrEnum):
    """What becomes of a key."""

    KEPT = "kept"
    NO_EFFECT = "kept, no effect"  # as it had none before
    ADAPTED = "adapted"  # kept, or written anew where the container needs it so
    UNTRIED = "kept, with a warning"
    PINNED = "pinned"  # to what the guest starts with
    REPLACED = "replaced"
    RETIRED = "retired"  # becomes a comment
    DROPPED = "retired, with a warning"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Row:
    """Keys that are treated alike, in HVM mode as `hvm` says, in PVH mode as `pvh` says.

    `why` is for the manual. `message` is what a warning or refusal says of them, in which
    {words.console} stands for a word of the config's Vocabulary.
    """

    keys: tuple[str, ...]
    hvm: Fate
    pvh: Fate
    why: str
    message: str = ""

    def fate(self, mode: Mode) -> Fate:
        """Return what becomes of these keys in one mode."""
        return self.hvm if mode is Mode.HVM else self.pvh

    def said(self, words: Vocabulary) -> str:
        """Return the message in the words of a config's syntax."""
        return self.message.format(words=words)


def _row(keys: str, hvm: Fate, pvh: Fate, why: str, message: str = "") -> Row:
    return Row(tuple(keys.split()), hvm, pvh, why, message)


def _both(keys: str, fate: Fate, why: str, message: str = "") -> Row:
    return _row(keys, fate, fate, why, message)


_HARDWARE = "host hardware does not reach a guest through the shim"

_NOT = "does not work through the shim"

_OWN_QEMU = "the device model is `shimtool-dm`, which runs dom0's own QEMU"

# xl ignores these for PV guests: what a template left here would take effect in the container.
_HVM_ONLY = (
    "acpi acpi_firmware acpi_laptop_slate acpi_s3 acpi_s4 altp2m altp2m_count altp2mhvm apic"
    " bios bios_path_override display firmware firmware_override gfx_passthru hap hdtype hpet"
    " hvm_pirq keymap mca_caps mmio_hole ms_vm_genid nestedhvm nographic nx oos opengl pae"
    " serial shadow_memory smbios smbios_firmware soundhw spice spice_clipboard_sharing"
    " spice_image_compression spice_streaming_video spiceagent_mouse spicedisable_ticketing"
    " spicehost spicepasswd spiceport spicetls_port spiceusbredirection spicevdagent stdvga"
    " timer_mode usb usbdevice usbversion vendor_device videoram viridian vkb_device"
    " vmtrace_buf_kb vncdisplay vnclisten vncpasswd vncunused vpt_align xauthority"
    " xen_platform_pci xen_platform_pci_bar_uc"
)

_OTHER_MODELS = (
    "device_model device_model_stubdomain_override device_model_stubdomain_seclabel"
    " device_model_version stubdomain_cmdline stubdomain_kernel stubdomain_memory"
    " stubdomain_ramdisk"
)

TABLE = (
    _both("name uuid vcpus", Fate.KEPT, "the same guest, as large as before"),
    _both(
        "memory", Fate.ADAPTED,
        "grows by what the shim takes, and to what the kernel needs (`--memory keep`: it does not)",
    ),
    _both("maxmem", Fate.PINNED, "to the new `memory=`: it cannot be raised later"),
    _row(
        "maxvcpus", Fate.NO_EFFECT, Fate.PINNED,
        "the guest has `vcpus=` of them, and no more can be added later",
    ),
    _both("type builder pvh", Fate.REPLACED, "they say which container it is"),
    _row(
        "kernel ramdisk root extra cmdline", Fate.RETIRED, Fate.KEPT,
        "HVM: they are on the ISO. PVH: xl hands them to the shim, or to the boot loader",
    ),
    _row(
        "bootloader bootloader_args bootloader_restrict bootloader_user", Fate.RETIRED, Fate.KEPT,
        "HVM: PV GRUB, or a kernel taken from the guest's disk, takes pygrub's place. PVH: xl runs"
        " it as before, unless --boot-loader or --extract says otherwise",
    ),
    _row(
        "pvshim pvshim_path pvshim_cmdline", Fate.RETIRED, Fate.REPLACED,
        "xl's own way to the shim: ours in PVH mode, none in HVM mode",
    ),
    _both("pvshim_extra", Fate.RETIRED, "would add to the shim's arguments (`--shim-args` does)"),
    _row(
        "disk", Fate.ADAPTED, Fate.KEPT,
        "HVM: a read-only disk among the first four is marked as CD-ROM, the others stay",
    ),
    _both("vif", Fate.ADAPTED, "`type=vif`: no emulated card; PVH: where `type=` says otherwise"),
    _both(
        "cpus cpus_soft cap cpu_weight pool cpuid tsc_mode", Fate.KEPT,
        "where and how the container runs, and so the guest",
    ),
    _both(
        "period slice latency extratime sched nodes", Fate.KEPT, "the same, for other schedulers",
    ),
    _both(
        "vnuma", Fate.DROPPED, "a shim shows its guest no NUMA nodes",
        "is lost: a shim shows its guest no NUMA nodes ({words.placing} still place it)",
    ),
    _both(
        "on_crash on_poweroff on_reboot on_soft_reset on_watchdog", Fate.KEPT,
        "the shim ends as its guest does",
    ),
    _both("localtime rtc_timeoffset", Fate.KEPT, "they move the container's clock, which it reads"),
    _both(
        "max_event_channels max_grant_frames max_grant_version max_maptrack_frames"
        " xenstore_feature_mask", Fate.KEPT, "limits of the container, which the guest shares",
    ),
    _both(
        "init_seclabel seclabel msr_relaxed nomigrate xend_suspend_evtchn_compat", Fate.KEPT,
        "how Xen treats the container",
    ),
    _both(
        "channel p9 pvcalls vdispl vkb vsnd vtpm", Fate.UNTRIED,
        "PV devices like disks and network cards, but not tried under a shim",
        "stays as it is, but was not tried under a shim: see that the guest still has it",
    ),
    _both(
        "vfb", Fate.DROPPED, "use `xl console`, or a VNC server inside the guest",
        "is lost: use {words.console}, or a VNC server inside the guest",
    ),
    _both(
        "driver_domain", Fate.REFUSED, "a shim lets its guest map no other guest's memory",
        "a driver domain serves devices to other guests, which a shim does not allow",
    ),
    _both("pci", Fate.REFUSED, _HARDWARE, f"PCI passthrough {_NOT}"),
    _both("usbctrl usbdev", Fate.REFUSED, _HARDWARE, f"USB passthrough {_NOT}"),
    _both("ioports", Fate.REFUSED, _HARDWARE, f"access to I/O ports {_NOT}"),
    _both("iomem", Fate.REFUSED, _HARDWARE, f"access to device memory {_NOT}"),
    _both("irqs", Fate.REFUSED, _HARDWARE, f"access to hardware interrupts {_NOT}"),
    _both("dtdev", Fate.REFUSED, _HARDWARE, f"device-tree passthrough {_NOT}"),
    _both(
        "virtio", Fate.REFUSED, "no PV guest has virtio devices",
        "a PV guest has no virtio devices",
    ),
    _both(
        "pci_msitranslate pci_permissive pci_power_mgmt pci_seize passthrough e820_host rdm"
        " rdm_mem_boundary", Fate.RETIRED, "they go with `pci=`",
    ),
    _row(
        "device_model_args_hvm", Fate.REPLACED, Fate.RETIRED,
        f"{_OWN_QEMU}, with our boot CD",
        "gives way to shimtool's own",
    ),
    _row(
        "device_model_override", Fate.REPLACED, Fate.KEPT,
        f"HVM: {_OWN_QEMU}. PVH: it serves disk images, as it did",
        "gives way to shimtool's own",
    ),
    _row(
        "device_model_args device_model_args_pv", Fate.DROPPED, Fate.KEPT,
        f"HVM: {_OWN_QEMU}. PVH: for the QEMU that serves disk images, as before",
        "is not used in HVM mode: the device model is shimtool's own",
    ),
    _both(
        "device_model_user", Fate.KEPT,
        "QEMU runs as that user, as before (libxl, 4.7 on: `-runas`, whichever type the guest is)",
    ),
    _both(
        "dm_restrict", Fate.DROPPED,
        "not tried: a restricted QEMU may serve no disk images. `device_model_user=` is kept",
        "is not kept: QEMU then runs as root, unless device_model_user= names another",
    ),
    _both(
        _OTHER_MODELS, Fate.DROPPED, "another device model, or one in a stub domain",
        "is not used: the container has a device model of its own, or none",
    ),
    _row("boot sdl vga", Fate.REPLACED, Fate.RETIRED, "off, and the boot CD first"),
    _row(
        "vnc", Fate.REPLACED, Fate.DROPPED,
        "off: xl (seen: 4.17) makes of it what `vfb=` would",
        "is lost, and with it the graphical console that xl makes of it: use {words.console}, or a"
        " VNC server inside the guest",
    ),
    _both(
        _HVM_ONLY, Fate.RETIRED,
        "left by a template: xl ignores them for PV guests, but not for the container",
    ),
    _both(
        "arm_sci device_tree gic_version llc_colors nr_spis sve tee trap_unmapped_accesses vpmu"
        " vuart", Fate.NO_EFFECT, "for Arm",
    ),
    _both("vif2 vncviewer", Fate.NO_EFFECT, "xl itself only warns of them"),
)  # fmt: skip


@cache
def keys_of(mode: Mode, *fates: Fate) -> frozenset[str]:
    """Return the keys of which one of `fates` is what becomes of them in this mode."""
    return frozenset(key for row in TABLE if row.fate(mode) in fates for key in row.keys)


def retired_keys(mode: Mode) -> frozenset[str]:
    """Return the keys whose assignments become comments, whatever the guest is."""
    return keys_of(mode, Fate.RETIRED, Fate.DROPPED, Fate.REPLACED)


# Which kernel boots, and how; and which boot loader finds it: in PVH mode replaced on demand.
BOOT = frozenset(("kernel", "ramdisk", "root", "extra", "cmdline"))
BOOT_LOADER = frozenset(("bootloader", "bootloader_args", "bootloader_restrict", "bootloader_user"))

# What a PV guest has no use for, whatever its value.
NOT_PV = frozenset(
    f"{_HVM_ONLY} {_OTHER_MODELS} dm_restrict boot sdl vga vnc device_model_args"
    " device_model_args_hvm device_model_override".split()
)
