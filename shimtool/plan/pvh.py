"""The new config of a guest whose shim runs in a PVH container (Xen 4.10.1 on, no ISO)."""

from shimtool.model import BootImage, BootloaderBoot, ConfigEdits, ConfigValue, Guest, Settings
from shimtool.plan.hvm import sizes
from shimtool.plan.keys import DEVICE_MODEL, HVM_ONLY, PV_ONLY

# The guest's kernel=, ramdisk= and command line stay: xl hands them to the shim as they are.
_RETIRED = ("type", "builder", "pvh", "vfb", "e820_host", *HVM_ONLY, *DEVICE_MODEL)


def edits(guest: Guest, image: BootImage, settings: Settings) -> ConfigEdits:
    """Return what to retire and what to set."""
    new: list[tuple[str, ConfigValue]] = [("type", "pvh"), *sizes(guest)]
    gone: tuple[str, ...] = _RETIRED
    if isinstance(guest.boot, BootloaderBoot):
        gone += PV_ONLY
        new.append(("kernel", f"{settings.host_out}/{pvgrub_file(image)}"))
    new += [
        ("pvshim", 1),
        ("pvshim_path", f"{settings.host_out}/{shim_file(image)}"),
        ("pvshim_cmdline", image.shim_args),
    ]
    return ConfigEdits(retire=tuple(key for key in guest.keys if key in gone), settings=tuple(new))


def files(guest: Guest, image: BootImage) -> tuple[str, ...]:
    """Names in --out of what the config names there: the shim, and PV GRUB if it boots that."""
    own = (pvgrub_file(image),) if isinstance(guest.boot, BootloaderBoot) else ()
    return (shim_file(image), *own)


def shim_file(image: BootImage) -> str:
    """Name of the shim's file in --out: one per build, so that guests keep the one they had."""
    return f"xen-shim-{image.shim.sha256[:16]}"


def pvgrub_file(image: BootImage) -> str:
    """Name of PV GRUB's file in --out."""
    return f"pvgrub-{image.payload.kernel.file.sha256[:16]}"
