"""The new config of a guest whose shim boots from an ISO in an HVM container (Xen 4.4 on)."""

from shimtool.configs.xl.names import BOOT_CD_ID
from shimtool.configs.xl.vif import without_emulated_nic
from shimtool.dom0 import facts
from shimtool.dom0.keys import retired_keys
from shimtool.model import (
    BootImage,
    ConfigEdits,
    ConfigValue,
    Guest,
    Host,
    Memory,
    Mode,
    Settings,
)
from shimtool.model.outputs import DEVICE_MODEL_SCRIPT
from shimtool.plan import disks
from shimtool.plan.hosting import console_port
from shimtool.plan.memory import settings_of

MOST_VCPUS = 128  # HVM_MAX_VCPUS, Xen's limit for HVM and PVH (public/hvm/hvm_info_table.h)


def edits(
    guest: Guest, image: BootImage, memory: Memory, host: Host, settings: Settings
) -> ConfigEdits:
    """Return which keys become comments and which are set."""
    new: list[tuple[str, ConfigValue]] = [*_builder(host), *sizes(guest, image, memory)]
    if entries := disks.for_hvm(guest):
        new.append(("disk", entries))
    if guest.vifs:
        new.append(("vif", tuple(without_emulated_nic(vif) for vif in guest.vifs)))
    if (serial := console_port(image.shim)) is not None:
        new.append(("serial", serial))
    new += [
        ("boot", "d"),
        ("vga", "none"),  # else video RAM takes 8 MB of memory=
        ("vnc", 0),
        ("sdl", 0),
        ("device_model_override", f"{settings.host_out}/{DEVICE_MODEL_SCRIPT}"),
        ("device_model_args_hvm", _boot_cd(f"{settings.host_out}/{iso_file(guest)}")),
    ]
    comment_out = tuple(key for key in guest.keys if key in retired_keys(Mode.HVM))
    return ConfigEdits(comment_out, settings=tuple(new))


def iso_file(guest: Guest) -> str:
    """Return the name of the guest's boot ISO in --out."""
    return f"{guest.name}.iso"


def sizes(guest: Guest, image: BootImage, memory: Memory) -> list[tuple[str, ConfigValue]]:
    """Return memory, maxmem and maxvcpus where they change.

    A shim gives its guest every vCPU that the ACPI tables list (4.17's whatever maxcpus= says),
    and the guest's kernel stops at one that does not run: the pre-stage shortens the list.
    """
    new = settings_of(guest, memory)
    if pins_vcpus(guest, image):
        new.append(("maxvcpus", guest.vcpus))
    return new


def pins_vcpus(guest: Guest, image: BootImage) -> bool:
    """Whether maxvcpus must become vcpus."""
    more = guest.maxvcpus > guest.vcpus
    allowed = image.pre_stage is not None and guest.maxvcpus <= MOST_VCPUS
    return guest.maxvcpus < guest.vcpus or (more and not allowed)


def _builder(host: Host) -> list[tuple[str, ConfigValue]]:
    """Return what makes it HVM: builder= up to Xen 4.9, type= from 4.10 on.

    Both for a host that is not known: 4.17 accepts them together when they agree.
    """
    knows_type = facts.knows_type_key(host)
    new: list[tuple[str, ConfigValue]] = []
    if not knows_type:
        new.append(("builder", "hvm"))
    if knows_type is not False:
        new.append(("type", "hvm"))
    return new


def _boot_cd(iso: str) -> tuple[str, ...]:
    """QEMU arguments: an AHCI CD drive outside xenstore, so the PV guest sees no extra disk.

    QEMU's option syntax doubles a comma inside a value.
    """
    file = iso.replace(",", ",,")
    return (
        "-device", "ahci,id=shimtool-ahci",
        "-drive", f"if=none,id={BOOT_CD_ID},media=cdrom,readonly=on,format=raw,file={file}",
        "-device", f"ide-cd,bus=shimtool-ahci.0,drive={BOOT_CD_ID},bootindex=0",
    )  # fmt: skip
