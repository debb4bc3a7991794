"""One guest's plan, put together from the parts beside this file.

Guest, Payload, Shim, Host, Settings --plan--> Plan, or ShimtoolError with every reason against it
"""

from shimtool.errors import Code, Fault, coded, raise_all
from shimtool.model import (
    BootImage,
    Caution,
    Concern,
    ConfigEdits,
    Guest,
    Host,
    Memory,
    Mode,
    Payload,
    Plan,
    Settings,
    Shim,
    Syntax,
)
from shimtool.plan import boot_image, bootloader, command_line, disks, hvm, libvirt, pvgrub, pvh
from shimtool.plan.command_line import Carrier
from shimtool.plan.differences import differences
from shimtool.plan.hosting import carrier, host_faults, pre_stage, shim_args
from shimtool.plan.memory import memory
from shimtool.plan.refusals import guest_faults
from shimtool.plan.warnings import warnings


def plan(guest: Guest, payload: Payload | None, shim: Shim, host: Host, settings: Settings) -> Plan:
    """Plan one guest's conversion; without payload its own boot loader goes on finding it.

    Raises ShimtoolError with all reasons why it cannot or should not be converted.
    """
    mode = libvirt.chosen_mode(guest, host, settings.mode, payload)
    by = carrier(shim, mode)
    raise_all(
        [
            *payload_independent_faults(guest, host, shim, settings, payload),
            *([] if payload is None else _payload_faults(guest, payload, shim, mode, by)),
        ]
    )
    arguments = shim_args(guest, host, shim, by, settings)
    before = pre_stage(guest, host, shim, by, settings)
    line = command_line.join(guest, payload)
    image = BootImage(shim, arguments, payload, line, before)
    if payload is not None and mode is Mode.HVM:
        image = boot_image.for_iso(image, payload)
    size = memory(guest, image, host, mode, settings)
    if size.block is not None:
        image = boot_image.with_block(image, size.block)
    differs = differences(guest, image, size, host, mode)
    files = pvh.files(guest, image) if mode is Mode.PVH else (hvm.iso_file(guest),)
    return Plan(
        guest=guest,
        mode=mode,
        host=host,
        edits=_edits(guest, image, size, host, mode, settings),
        image=image,
        memory=size,
        files=(*files, guest.new_config),
        differences=differs,
        warnings=(
            *warnings(guest, image, differs, host, mode),
            *(Caution(Concern.LIBVIRT, text) for text in libvirt.warnings(guest, mode, settings)),
        ),
    )


def _payload_faults(
    guest: Guest, payload: Payload, shim: Shim, mode: Mode, by: Carrier
) -> list[Fault]:
    return [
        *coded(Code.BOOT_LOADER, pvgrub.payload_faults(guest, payload)),
        *coded(Code.KERNEL, boot_image.faults(guest, payload, shim, mode, by)),
        *coded(Code.HOST, libvirt.faults(guest, mode, payload)),
    ]


def payload_independent_faults(
    guest: Guest, host: Host, shim: Shim, settings: Settings, payload: Payload | None = None
) -> list[Fault]:
    """List the reasons against converting this guest that hold whatever its kernel is.

    Of its command line, what is known without `payload`. Where the guest itself stands against
    it, its host and command line are not looked at.
    """
    mode = libvirt.chosen_mode(guest, host, settings.mode, payload)
    replaced = not bootloader.stays(guest, host, settings)
    faults = guest_faults(guest, boot_loader_replaced=replaced)
    faults += coded(Code.DISK, disks.faults(guest, mode))
    if replaced:
        faults += coded(Code.BOOT_LOADER, bootloader.keep_faults(guest, settings))
    if faults:
        return faults
    by = carrier(shim, mode)
    arguments = shim_args(guest, host, shim, by, settings)
    return [
        *coded(Code.HOST, host_faults(guest, host, shim, mode, settings)),
        *coded(Code.COMMAND_LINE, command_line.faults(guest, arguments, by, payload)),
    ]


def _edits(  # noqa: PLR0913, PLR0917 - all that decides them
    guest: Guest, image: BootImage, memory: Memory, host: Host, mode: Mode, settings: Settings
) -> ConfigEdits:
    if guest.syntax is Syntax.LIBVIRT:
        return libvirt.edits(guest, image, memory, mode, settings)
    if mode is Mode.PVH:
        return pvh.edits(guest, image, memory, settings)
    return hvm.edits(guest, image, memory, host, settings)
