"""One guest's plan, put together from the parts beside this file."""

from shimtool import host as hosts
from shimtool.errors import Fault, Where, raise_all
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
    Wrapping,
)
from shimtool.plan import command_line, hvm, pvh
from shimtool.plan.refusals import guest_faults, host_faults
from shimtool.plan.warnings import warnings

DEFAULT_SHIM_ARGS = "pv-shim console=xen,pv"


def plan(guest: Guest, payload: Payload, shim: Shim, host: Host, settings: Settings) -> Plan:
    """Plan one guest's conversion.

    Raises ShimtoolError with all reasons why it cannot or should not be converted.
    """
    mode = hosts.chosen_mode(host, settings.mode)
    arguments = shim_args(guest, host, settings)
    raise_all(
        [
            *standing_faults(guest, host, settings),
            *payload_faults(guest, payload, shim, mode),
        ]
    )
    image = _image(guest, payload, shim, arguments)
    return Plan(
        guest=guest,
        mode=mode,
        host=host,
        edits=_edits(guest, image, host, mode, settings),
        image=image,
        files=(*_files(guest, image, mode), guest.new_config),
        warnings=warnings(guest, payload, host, mode),
    )


def standing_faults(guest: Guest, host: Host, settings: Settings) -> list[Fault]:
    """List the reasons against converting this guest that stand whatever its kernel is."""
    mode = hosts.chosen_mode(host, settings.mode)
    if faults := guest_faults(guest):
        return faults
    return [
        *host_faults(host, mode, settings),
        *command_line.faults(guest, shim_args(guest, host, settings), mode),
    ]


def shim_args(guest: Guest, host: Host, settings: Settings) -> str:
    """Return the shim's own command line; maxcpus= is always on it.

    The shim gives its guest every vCPU that ACPI lists, and hvmloader before 4.8 lists 128;
    mce=0 keeps such a shim on Intel from counting processors it parked.
    """
    given = settings.shim_args
    words = (DEFAULT_SHIM_ARGS if given is None else given).split()
    if not any(word.startswith("maxcpus=") for word in words):
        words.append(f"maxcpus={guest.vcpus}")
    if hosts.lists_all_processors(host) and not any(word.startswith("mce=") for word in words):
        words.append("mce=0")
    return " ".join(words)


def payload_faults(guest: Guest, payload: Payload, shim: Shim, mode: Mode) -> list[Fault]:
    """List why this kernel and ramdisk cannot be booted by the shim."""
    kernel, ramdisk = payload.kernel, payload.ramdisk
    found = []
    if not kernel.facts.pv:
        found.append(
            Fault(
                "the kernel cannot run as a PV guest: it has no Xen PV entry note",
                Where(guest.config, guest.keys.get("kernel")),
                kernel.file.dom0_path,
                "name the kernel the guest really boots (built with CONFIG_XEN_PV)",
            )
        )
    if mode is Mode.HVM and ramdisk is not None and ramdisk.gzip and not ramdisk.cpio:
        found.append(
            Fault(
                "the ramdisk is a gzip-compressed file system image, which the boot loader"
                " would unpack on the way",
                Where(guest.config, guest.keys.get("ramdisk")),
                ramdisk.file.dom0_path,
                "gunzip it and name the unpacked file, or use --mode pvh",
            )
        )
    if mode is Mode.PVH and not _unpacks(shim, kernel.facts.compression):
        found.append(
            Fault(
                f"shim {shim.name} cannot unpack a kernel compressed with"
                f" {kernel.facts.compression}",
                Where(guest.config, guest.keys.get("kernel")),
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
        command_line=command_line.join(guest),
        # mboot.c32 would unzip a gzipped kernel, and keep only its first member.
        unpack=facts.wrapping is Wrapping.COMPRESSED_ELF or not _unpacks(shim, facts.compression),
        guard=ramdisk is not None and ramdisk.gzip,
    )


def _unpacks(shim: Shim, compression: Compression) -> bool:
    """Whether the shim unpacks such a kernel: zstd came with Xen 4.15, the rest is older."""
    if compression is not Compression.ZSTD:
        return True
    version = hosts.parse_version(shim.version) if shim.version else (0, 0, None)
    return version[:2] >= (4, 15)


def _files(guest: Guest, image: BootImage, mode: Mode) -> tuple[str, ...]:
    return pvh.files(guest, image) if mode is Mode.PVH else (hvm.iso_file(guest),)


def _edits(
    guest: Guest, image: BootImage, host: Host, mode: Mode, settings: Settings
) -> ConfigEdits:
    if mode is Mode.PVH:
        return pvh.edits(guest, image, settings)
    return hvm.edits(guest, host, settings)
