"""Which keys of an xl config stop, start or cannot make sense in the new container.

Read from the key tables of xl 4.4-4.21 and xl.cfg(5); see README for what it means to users.
"""

# Only a PV guest has these. xl reads kernel= for HVM guests too, so it must go.
PV_ONLY = (
    "type", "builder", "pvh", "kernel", "ramdisk", "root", "extra", "cmdline",
    "bootloader", "bootloader_args", "bootloader_restrict", "bootloader_user",
    "vfb", "e820_host",
)  # fmt: skip

# xl ignores these for PV guests, so whatever a template left here would begin to act in HVM.
HVM_ONLY = (
    "acpi", "acpi_firmware", "acpi_laptop_slate", "acpi_s3", "acpi_s4", "altp2m", "altp2mhvm",
    "apic", "bios", "bios_path_override", "boot", "display", "firmware", "firmware_override",
    "gfx_passthru", "hap", "hdtype", "hpet", "keymap", "mmio_hole", "ms_vm_genid", "nestedhvm",
    "nographic", "nx", "oos", "opengl", "pae", "rdm", "rdm_mem_boundary", "sdl", "serial",
    "smbios", "smbios_firmware", "soundhw", "spice", "spice_clipboard_sharing",
    "spice_image_compression", "spice_streaming_video", "spiceagent_mouse",
    "spicedisable_ticketing", "spicehost", "spicepasswd", "spiceport", "spicetls_port",
    "spiceusbredirection", "spicevdagent", "stdvga", "timer_mode", "usb", "usbdevice",
    "usbversion", "vendor_device", "vga", "videoram", "viridian", "vnc", "vncdisplay",
    "vnclisten", "vncpasswd", "vncunused", "vpt_align", "xauthority", "xen_platform_pci",
)  # fmt: skip

# The device model is ours: another one, or one in a stub domain, cannot run our script.
DEVICE_MODEL = (
    "device_model", "device_model_args", "device_model_args_hvm", "device_model_override",
    "device_model_stubdomain_override", "device_model_stubdomain_seclabel", "device_model_user",
    "device_model_version", "dm_restrict", "stubdomain_cmdline", "stubdomain_kernel",
    "stubdomain_memory", "stubdomain_ramdisk",
)  # fmt: skip

# Hardware handed to the guest does not reach through the shim.
PASSTHROUGH = {
    "pci": "PCI passthrough",
    "usbctrl": "USB passthrough",
    "usbdev": "USB passthrough",
    "ioports": "access to I/O ports",
    "iomem": "access to device memory",
    "irqs": "access to hardware interrupts",
    "dtdev": "device-tree passthrough",
}
