"""The new config of a guest whose shim runs in a PVH container (Xen 4.10.1 on, no ISO)."""

from shimtool.model import ConfigEdits, ConfigValue, Guest, Settings, Shim
from shimtool.plan.hvm import sizes
from shimtool.plan.keys import DEVICE_MODEL, HVM_ONLY

# The guest's kernel=, ramdisk= and command line stay: xl hands them to the shim as they are.
_RETIRED = ("type", "builder", "pvh", "vfb", "e820_host", *HVM_ONLY, *DEVICE_MODEL)


def edits(guest: Guest, shim: Shim, shim_args: str, settings: Settings) -> ConfigEdits:
    """Return what to retire and what to set."""
    new: list[tuple[str, ConfigValue]] = [
        ("type", "pvh"),
        *sizes(guest),
        ("pvshim", 1),
        ("pvshim_path", f"{settings.host_out}/{shim_file(shim)}"),
        ("pvshim_cmdline", shim_args),
    ]
    return ConfigEdits(
        retire=tuple(key for key in guest.keys if key in _RETIRED), settings=tuple(new)
    )


def shim_file(shim: Shim) -> str:
    """Name of the shim's file in --out: one per build, so that guests keep the one they had."""
    return f"xen-shim-{shim.sha256[:16]}"
