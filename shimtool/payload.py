"""From what a config names to what the shim will start: files found, hashed and understood."""

from shimtool.assets import Assets
from shimtool.errors import Fault, ShimtoolError, fault
from shimtool.kernel.paths import Found, Roots, find
from shimtool.kernel.source import Sources
from shimtool.model import (
    BootloaderBoot,
    Guest,
    Kernel,
    KernelBoot,
    NoBoot,
    Payload,
    PvGrub,
    Ramdisk,
    Sourced,
)


def gather(
    guest: Guest,
    roots: Roots,
    sources: Sources,
    assets: Assets,
    pvgrub: PvGrub,
) -> Payload:
    """Find and read the guest's kernel and ramdisk; PV GRUB, the one asked for, replaces pygrub.

    Raises ShimtoolError with the faults of both.
    """
    match guest.boot:
        case KernelBoot(kernel, ramdisk):
            return _from_dom0(guest, kernel, ramdisk, roots, sources)
        case BootloaderBoot():
            image = assets.pvgrub_i386 if pvgrub is PvGrub.I386 else assets.pvgrub_x86_64
            return Payload(sources.kernel(Found(f"shimtool:{image.name}", image)))
        case NoBoot(why):
            raise fault(f"nothing to boot from: {why}", guest.config)


def _from_dom0(
    guest: Guest, kernel: Sourced, ramdisk: Sourced | None, roots: Roots, sources: Sources
) -> Payload:
    faults: list[Fault] = []
    found_kernel: Kernel | None = None
    found_ramdisk: Ramdisk | None = None
    try:
        found_kernel = sources.kernel(find(roots, kernel, guest.config))
    except ShimtoolError as error:
        faults += error.faults
    try:
        if ramdisk is not None:
            found_ramdisk = sources.ramdisk(find(roots, ramdisk, guest.config, "ramdisk"))
    except ShimtoolError as error:
        faults += error.faults
    if found_kernel is None or faults:
        raise ShimtoolError(*faults)
    return Payload(found_kernel, found_ramdisk)
