"""Why a guest cannot or should not be converted: every reason, each with its remedy."""

from functools import cache

from shimtool.dom0 import facts
from shimtool.dom0.keys import TABLE, Fate, keys_of
from shimtool.errors import Code, Fault, Location, coded
from shimtool.model import BootloaderBoot, Guest, GuestType, Host, Mode, NoBoot
from shimtool.plan import bootloader
from shimtool.plan.hvm import MOST_VCPUS
from shimtool.plan.memory import MOST_MEMORY

_PVH = "pvh"  # a key that xl 4.4 to 4.8 reads
# What libvirt alone has: SCSI and mediated devices.
_OTHER_HARDWARE = "passthrough of other hardware does not work through the shim"


@cache
def _refused_keys() -> dict[str, str]:
    """Return every key that is refused in both modes, in the table's order, and its message."""
    refused = keys_of(Mode.HVM, Fate.REFUSED)
    found = {key: row.message for row in TABLE for key in row.keys if key in refused}
    return found | {"hostdev": _OTHER_HARDWARE}


def not_pv(guest: Guest, host: Host) -> Fault | None:
    """Return the refusal of a guest that needs no shim, if it is one."""
    key, kind, remedy = "type" if "type" in guest.keys else "builder", str(guest.type), ""
    if guest.type is GuestType.PV:
        if not (_PVH in guest.non_empty_keys and facts.reads(host, _PVH)):
            return None
        key, kind = _PVH, "PVH, of the kind of Xen 4.4 to 4.8"
        remedy = f"; to run it as PV, in one, remove {guest.written(_PVH)}"
    return guest.fault(
        key,
        f"not a PV guest but {kind}",
        remedy=f"nothing to do: only PV guests need a shim{remedy}",
        code=Code.NOT_PV,
    )


def guest_faults(guest: Guest, *, boot_loader_replaced: bool) -> list[Fault]:
    """List the reasons that lie in the guest itself; `boot_loader_replaced`: by what we can do."""
    found = []
    kernel, ramdisk, program = map(guest.written, ("kernel", "ramdisk", "bootloader"))
    if isinstance(guest.boot, NoBoot):
        message = f"nothing to boot from: {guest.boot.reason}"
        remedy = guest.boot.remedy or f"add {kernel} (and {ramdisk}) or {program}"
        where = Location(guest.config)
        found.append(Fault(message, where, remedy=remedy, code=Code.NOTHING_TO_BOOT))
    if isinstance(guest.boot, BootloaderBoot) and boot_loader_replaced:
        found += coded(Code.BOOT_LOADER, bootloader.faults(guest, guest.boot))
    found += _unsupported(guest)
    return found + coded(Code.SIZE, _size_faults(guest))


def _unsupported(guest: Guest) -> list[Fault]:
    """List what the guest asks for and no shim has, each thing once, whichever keys ask for it."""
    asked: dict[str, list[str]] = {}
    for key, message in _refused_keys().items():
        if key in guest.non_empty_keys:
            asked.setdefault(message, []).append(key)
    return [
        guest.fault(
            keys[0],
            message,
            " and ".join(map(guest.words.name, keys)),
            f"remove {' and '.join(map(guest.written, keys))} or leave this guest PV",
            Code.UNSUPPORTED,
        )
        for message, keys in asked.items()
    ]


def _size_faults(guest: Guest) -> list[Fault]:
    found = []
    if "vnuma" in guest.non_empty_keys and not {"memory", "maxmem"} & set(guest.keys):
        found.append(
            guest.fault(
                "vnuma",
                f"only {guest.written('vnuma')} says how much memory the guest has, and a shim"
                " shows it no NUMA nodes",
                guest.words.name("vnuma"),
                f"set {guest.written('memory')} to the sum of its nodes",
            )
        )
    if guest.vcpus > MOST_VCPUS:
        found.append(
            guest.fault(
                "vcpus",
                f"Xen gives an HVM or PVH guest {MOST_VCPUS} vCPUs at most",
                guest.words.given("vcpus", guest.vcpus),
                f"set {guest.written('vcpus')} to {MOST_VCPUS} or less, or leave this guest PV",
            )
        )
    found += [
        guest.fault(
            key,
            f"{guest.words.name(key)} is more than 16 TiB; {guest.words.memory_unit}",
            guest.words.given(key, size, "MiB"),
            f"correct {guest.written(key)}",
        )
        for key, size in (("memory", guest.memory), ("maxmem", guest.maxmem))
        if key in guest.keys and size > MOST_MEMORY
    ]
    return found
