"""Why a guest cannot or should not be converted: every reason, each with its remedy."""

from shimtool import host as hosts
from shimtool.errors import Fault, Where
from shimtool.model import BootloaderBoot, Guest, Host, Mode, NoBoot, Settings
from shimtool.plan.keys import PASSTHROUGH

_MOST_VCPUS = 128  # HVM_MAX_VCPUS, Xen's limit for HVM and PVH (public/hvm/hvm_info_table.h)
_MOST_MEMORY = 16 << 20  # MiB: beyond 16 TiB a mistyped number is likelier than such a host


def not_pv(guest: Guest) -> Fault:
    """Say that there is nothing to convert."""
    return Fault(
        f"not a PV guest but {guest.type}",
        Where(guest.config, guest.keys.get("type", guest.keys.get("builder"))),
        remedy="nothing to do: only PV guests need a shim",
    )


def guest_faults(guest: Guest) -> list[Fault]:
    """Reasons that lie in the guest itself."""
    found = []
    if isinstance(guest.boot, NoBoot):
        found.append(
            Fault(
                f"nothing to boot from: {guest.boot.reason}",
                Where(guest.config),
                remedy="add kernel= (and ramdisk=) or bootloader=",
            )
        )
    if isinstance(guest.boot, BootloaderBoot):
        found += _bootloader_faults(guest, guest.boot)
    found += [
        Fault(
            f"{what} does not work through the shim",
            Where(guest.config, guest.keys[key]),
            key,
            f"remove {key}= or leave this guest PV",
        )
        for key, what in PASSTHROUGH.items()
        if key in guest.filled
    ]
    return found + _size_faults(guest)


def _size_faults(guest: Guest) -> list[Fault]:
    found = []
    if guest.vcpus > _MOST_VCPUS:
        found.append(
            Fault(
                f"Xen gives an HVM or PVH guest {_MOST_VCPUS} vCPUs at most",
                Where(guest.config, guest.keys.get("vcpus")),
                f"vcpus={guest.vcpus}",
                f"set vcpus= to {_MOST_VCPUS} or less, or leave this guest PV",
            )
        )
    for key, size in (("memory", guest.memory), ("maxmem", guest.maxmem)):
        if key in guest.keys and size > _MOST_MEMORY:
            found.append(
                Fault(
                    f"{key} is more than 16 TiB; it counts MiB",
                    Where(guest.config, guest.keys[key]),
                    f"{key}={size}",
                    f"correct {key}=",
                )
            )
    return found


def _bootloader_faults(guest: Guest, boot: BootloaderBoot) -> list[Fault]:
    """PV GRUB stands in for pygrub; what it cannot be told is refused, never dropped."""
    found = []
    if not boot.program.text.rpartition("/")[2].startswith("pygrub"):
        found.append(
            Fault(
                "no stand-in for this boot loader: only pygrub's work can be done by PV GRUB",
                Where(guest.config, boot.program.line),
                boot.program.text,
                "set bootloader= to pygrub, or kernel= and ramdisk=",
            )
        )
    dropped = [key for key in ("bootloader_args", "extra", "cmdline") if key in guest.filled]
    found += [
        Fault(
            f"PV GRUB boots what the guest's own grub.cfg says and cannot honour {key}=",
            Where(guest.config, guest.keys[key]),
            key,
            f"put it into the guest's own grub.cfg and remove {key}= here",
        )
        for key in dropped
    ]
    return found


def host_faults(host: Host, mode: Mode, settings: Settings) -> list[Fault]:
    """Reasons that lie in the host."""
    found = []
    if host.hvm is False:
        found.append(
            Fault(
                "this host cannot run HVM or PVH guests: no VT-x/SVM in its capabilities",
                Where(host.source),
                remedy="enable VT-x/SVM in the firmware; else keep the guest PV under a Xen"
                " with XPTI (XSA-254)",
            )
        )
    if mode is Mode.PVH and host.xen is not None and not hosts.can_pvshim(host):
        found.append(
            Fault(
                "xl knows pvshim= from Xen 4.10.1 on",
                Where(host.source),
                hosts.describe(host),
                "use --mode hvm",
            )
        )
    hangs = mode is Mode.HVM and hosts.upcall_fixed(host) is False
    if hangs and not settings.force:
        found.append(
            Fault(
                "a 4.10-based shim hangs in HVM on this Xen: it lacks the fix for lost events",
                Where(host.source),
                hosts.describe(host),
                "update Xen to 4.7.5, 4.8.3, 4.9.2, 4.10.1 or later, or try with --force",
            )
        )
    return found
