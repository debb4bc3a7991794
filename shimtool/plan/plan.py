"""One guest's plan, put together from the parts beside this file."""

from shimtool.dom0.detect import parse_version
from shimtool.errors import Fault, raise_all
from shimtool.model import (
    BootImage,
    Compression,
    ConfigEdits,
    Guest,
    Host,
    Mode,
    Payload,
    Plan,
    Settings,
    Shim,
    Syntax,
    Wrapping,
)
from shimtool.plan import bootloader, command_line, disks, hvm, libvirt, pvh
from shimtool.plan.hosting import console_port, host_faults, shim_args
from shimtool.plan.refusals import guest_faults
from shimtool.plan.warnings import warnings


def plan(guest: Guest, payload: Payload, shim: Shim, host: Host, settings: Settings) -> Plan:
    """Plan one guest's conversion.

    Raises ShimtoolError with all reasons why it cannot or should not be converted.
    """
    mode = libvirt.chosen_mode(guest, host, settings.mode, payload)
    arguments = shim_args(guest, host, shim, settings)
    faults = [
        *payload_independent_faults(guest, host, shim, settings, payload),
        *bootloader.payload_faults(guest, payload),
        *payload_faults(guest, payload, shim, mode),
        *libvirt.faults(guest, mode, payload),
    ]
    raise_all(faults)
    image = _image(guest, payload, shim, arguments)
    return Plan(
        guest=guest,
        mode=mode,
        host=host,
        edits=_edits(guest, image, host, mode, settings),
        image=image,
        files=(*_files(guest, image, mode), guest.new_config),
        warnings=(
            *warnings(guest, payload, host, shim, mode),
            *libvirt.warnings(guest, mode, settings),
        ),
    )


def payload_independent_faults(
    guest: Guest, host: Host, shim: Shim, settings: Settings, payload: Payload | None = None
) -> list[Fault]:
    """List the reasons against converting this guest that stand whatever its kernel is.

    The command line is looked at as far as it is known without `payload`.
    """
    mode = libvirt.chosen_mode(guest, host, settings.mode, payload)
    if faults := [*guest_faults(guest), *disks.faults(guest, mode)]:
        return faults
    return [
        *host_faults(guest, host, shim, mode, settings),
        *command_line.faults(guest, shim_args(guest, host, shim, settings), mode, payload),
    ]


def payload_faults(guest: Guest, payload: Payload, shim: Shim, mode: Mode) -> list[Fault]:
    """List why this kernel and ramdisk cannot be booted by the shim."""
    kernel, ramdisk = payload.kernel, payload.ramdisk
    found = []
    if not kernel.facts.pv:
        found.append(
            guest.fault(
                "kernel",
                "the kernel cannot run as a PV guest: it has no Xen PV entry note",
                kernel.file.dom0_path,
                "name the kernel the guest really boots (built with CONFIG_XEN_PV)",
            )
        )
    if mode is Mode.HVM and ramdisk is not None and ramdisk.gzip and not ramdisk.cpio:
        found.append(
            guest.fault(
                "ramdisk",
                "the ramdisk is a gzip-compressed file system image, which the boot loader"
                " would unpack on the way",
                ramdisk.file.dom0_path,
                guest.words.or_pvh("gunzip it and name the unpacked file"),
            )
        )
    if mode is Mode.PVH and not _unpacks(shim, kernel.facts.compression):
        found.append(
            guest.fault(
                "kernel",
                f"shim {shim.name} cannot unpack a kernel compressed with"
                f" {kernel.facts.compression}",
                kernel.file.dom0_path,
                "use --mode hvm, or a newer shim with --shim",
            )
        )
    return found


def _image(guest: Guest, payload: Payload, shim: Shim, arguments: str) -> BootImage:
    facts = payload.kernel.facts
    ramdisk = payload.ramdisk
    return BootImage(
        shim=shim,
        shim_args=arguments,
        payload=payload,
        command_line=command_line.join(guest, payload),
        # mboot.c32 would unzip a gzipped kernel, and keep only its first member.
        unpack=facts.wrapping is Wrapping.COMPRESSED_ELF or not _unpacks(shim, facts.compression),
        cpio_prefix=ramdisk is not None and ramdisk.gzip,
    )


def _unpacks(shim: Shim, compression: Compression) -> bool:
    """Whether the shim unpacks such a kernel: zstd came with Xen 4.15, the rest is older."""
    if compression is not Compression.ZSTD:
        return True
    version = parse_version(shim.version) if shim.version else (0, 0, None)
    return version[:2] >= (4, 15)


def _files(guest: Guest, image: BootImage, mode: Mode) -> tuple[str, ...]:
    return pvh.files(guest, image) if mode is Mode.PVH else (hvm.iso_file(guest),)


def _edits(
    guest: Guest, image: BootImage, host: Host, mode: Mode, settings: Settings
) -> ConfigEdits:
    if guest.syntax is Syntax.LIBVIRT:
        return libvirt.edits(guest, image, mode, settings, console_port(image.shim))
    if mode is Mode.PVH:
        return pvh.edits(guest, image, settings)
    return hvm.edits(guest, host, settings, console_port(image.shim))
