"""Why a guest cannot or should not be converted: every reason, each with its remedy."""

from functools import cache

from shimtool.dom0.keys import TABLE, Fate, keys_of
from shimtool.errors import Fault, Location
from shimtool.model import BootloaderBoot, Guest, Mode, NoBoot
from shimtool.plan import bootloader

_MOST_VCPUS = 128  # HVM_MAX_VCPUS, Xen's limit for HVM and PVH (public/hvm/hvm_info_table.h)
_MOST_MEMORY = 16 << 20  # MiB: beyond 16 TiB a mistyped number is likelier than such a host


@cache
def _refused() -> dict[str, str]:
    """What is said of each key that is refused in both modes, in the order of the table."""
    refused = keys_of(Mode.HVM, Fate.REFUSED)
    found = {key: row.message for row in TABLE for key in row.keys if key in refused}
    # libvirt's: SCSI, mediated devices
    return found | {"hostdev": "passthrough of other hardware does not work through the shim"}


def not_pv(guest: Guest) -> Fault:
    """Say that there is nothing to convert."""
    return Fault(
        f"not a PV guest but {guest.type}",
        Location(guest.config, guest.keys.get("type", guest.keys.get("builder"))),
        remedy="nothing to do: only PV guests need a shim",
    )


def guest_faults(guest: Guest) -> list[Fault]:
    """Reasons that lie in the guest itself."""
    found = []
    if isinstance(guest.boot, NoBoot):
        found.append(
            Fault(
                f"nothing to boot from: {guest.boot.reason}",
                Location(guest.config),
                remedy=f"add {guest.written('kernel')} (and {guest.written('ramdisk')}) or"
                f" {guest.written('bootloader')}",
            )
        )
    if isinstance(guest.boot, BootloaderBoot):
        found += bootloader.faults(guest, guest.boot)
    found += [
        Fault(
            what,
            Location(guest.config, guest.keys[key]),
            guest.words.name(key),
            f"remove {guest.written(key)} or leave this guest PV",
        )
        for key, what in _refused().items()
        if key in guest.non_empty_keys
    ]
    return found + _size_faults(guest)


def _size_faults(guest: Guest) -> list[Fault]:
    found = []
    if "vnuma" in guest.non_empty_keys and not {"memory", "maxmem"} & set(guest.keys):
        found.append(
            Fault(
                f"only {guest.written('vnuma')} says how much memory the guest has, and a shim"
                " shows it no NUMA nodes",
                Location(guest.config, guest.keys["vnuma"]),
                guest.words.name("vnuma"),
                f"set {guest.written('memory')} to the sum of its nodes",
            )
        )
    if guest.vcpus > _MOST_VCPUS:
        found.append(
            Fault(
                f"Xen gives an HVM or PVH guest {_MOST_VCPUS} vCPUs at most",
                Location(guest.config, guest.keys.get("vcpus")),
                f"vcpus={guest.vcpus}",
                f"set {guest.written('vcpus')} to {_MOST_VCPUS} or less, or leave this guest PV",
            )
        )
    for key, size in (("memory", guest.memory), ("maxmem", guest.maxmem)):
        if key in guest.keys and size > _MOST_MEMORY:
            found.append(
                Fault(
                    f"{key} is more than 16 TiB; it counts MiB",
                    Location(guest.config, guest.keys[key]),
                    f"{key}={size}",
                    f"correct {guest.written(key)}",
                )
            )
    return found
