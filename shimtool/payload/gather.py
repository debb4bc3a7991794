"""From what a config names to what the shim will start: files found, hashed and understood."""

from shimtool.assets import Assets
from shimtool.dom0.paths import Found, SearchPaths, find
from shimtool.errors import Code, Fault, ShimtoolError, fault, faults_kept
from shimtool.model import (
    BootloaderBoot,
    ConfigString,
    Guest,
    Kernel,
    KernelBoot,
    NoBoot,
    Payload,
    PvGrub,
    Ramdisk,
    Settings,
)
from shimtool.payload.inputs import InputCache


def gather(
    guest: Guest, search_paths: SearchPaths, inputs: InputCache, assets: Assets, settings: Settings
) -> Payload:
    """Find and read the guest's kernel and ramdisk.

    Those of a pygrub guest: PV GRUB, which reads its disk at every boot; or where that cannot
    honour the config or start the guest's kernel, or with --extract, what pygrub would take out of
    the disk, taken now.
    Raises ShimtoolError with all faults.
    """
    match guest.boot:
        case KernelBoot(kernel, ramdisk):
            return _from_dom0(guest, kernel, ramdisk, search_paths, inputs)
        case BootloaderBoot() as boot:
            from shimtool.payload.pygrub_guest import PygrubGuest  # noqa: PLC0415 - pygrub only

            return PygrubGuest(guest, boot, search_paths, settings).payload(
                lambda width: inputs.kernel(_image(assets, width))
            )
        case NoBoot(why):
            raise fault(f"nothing to boot from: {why}", guest.config, code=Code.NOTHING_TO_BOOT)


def _image(assets: Assets, width: PvGrub) -> Found:
    image = assets.pvgrub_i386 if width is PvGrub.I386 else assets.pvgrub_x86_64
    return Found(f"shimtool:{image.name}", image)


def _from_dom0(
    guest: Guest,
    kernel: ConfigString,
    ramdisk: ConfigString | None,
    search_paths: SearchPaths,
    inputs: InputCache,
) -> Payload:
    faults: list[Fault] = []
    faults_of_ramdisk: list[Fault] = []
    place: Found | None = None
    found_kernel: Kernel | None = None
    found_ramdisk: Ramdisk | None = None
    with faults_kept(faults_of_ramdisk):
        if ramdisk is not None:
            place = find(search_paths, ramdisk, guest.config, "ramdisk")
    with faults_kept(faults):
        found_kernel = inputs.kernel(find(search_paths, kernel, guest.config), beside=place)
    with faults_kept(faults_of_ramdisk):
        if place is not None:
            found_ramdisk = inputs.ramdisk(place)
    faults += faults_of_ramdisk
    if found_kernel is None or faults:
        raise ShimtoolError(*faults)
    return Payload(found_kernel, found_ramdisk)
