"""The new config of a guest whose shim runs in a PVH container (Xen 4.10.1 on, no ISO)."""

from shimtool.configs.xl.vif import is_emulated, without_emulated_nic
from shimtool.dom0.keys import BOOT, BOOT_LOADER, retired_keys
from shimtool.model import (
    BootImage,
    BootloaderBoot,
    ConfigEdits,
    ConfigValue,
    Guest,
    Memory,
    Mode,
    Settings,
)
from shimtool.model.outputs import OutputKind, content_name
from shimtool.plan.hvm import sizes


def edits(guest: Guest, image: BootImage, memory: Memory, settings: Settings) -> ConfigEdits:
    """Return which keys become comments and which are set.

    A kernel's kernel=, ramdisk= and command line stay: xl hands them to the shim as they are. So
    does a boot loader, unless something else is to take its place.
    """
    new: list[tuple[str, ConfigValue]] = [("type", "pvh"), *sizes(guest, image, memory)]
    old = retired_keys(Mode.PVH)
    if any(is_emulated(vif) for vif in guest.vifs):
        new.append(("vif", tuple(without_emulated_nic(vif) for vif in guest.vifs)))
    if isinstance(guest.boot, BootloaderBoot) and image.payload is not None:
        old |= BOOT | BOOT_LOADER
        named = zip(("kernel", "ramdisk"), payload_files(guest, image), strict=False)
        new += [(key, f"{settings.host_out}/{name}") for key, name in named]
        if image.command_line:
            new.append(("cmdline", image.command_line))
    new += [
        ("pvshim", 1),
        ("pvshim_path", f"{settings.host_out}/{shim_file(image)}"),
        ("pvshim_cmdline", image.shim_args),
    ]
    return ConfigEdits(
        comment_out=tuple(key for key in guest.keys if key in old), settings=tuple(new)
    )


def files(guest: Guest, image: BootImage) -> tuple[str, ...]:
    """Return the names of its files in --out: the shim's, and those of what replaces pygrub."""
    return (shim_file(image), *payload_files(guest, image))


def shim_file(image: BootImage) -> str:
    """Return the name of the shim's file: one per build, so that guests keep the one they had."""
    return content_name(OutputKind.SHIM, image.shim.sha256)


def payload_files(guest: Guest, image: BootImage) -> tuple[str, ...]:
    """Return the names of what replaces pygrub: PV GRUB, or the kernel and ramdisk extracted.

    Like the shim's they hold the content's hash: guests share them, and keep the ones they had.
    """
    if not isinstance(guest.boot, BootloaderBoot) or image.payload is None:
        return ()
    kernel, ramdisk = image.payload.kernel, image.payload.ramdisk
    kind = OutputKind.PVGRUB if image.payload.extracted is None else OutputKind.KERNEL
    name = content_name(kind, kernel.file.sha256)
    return (name, content_name(OutputKind.RAMDISK, ramdisk.file.sha256)) if ramdisk else (name,)
