"""What works after conversion but changes: said once per guest, in plain words."""

from shimtool import host as hosts
from shimtool.model import BootloaderBoot, Guest, Host, KernelBoot, Mode, Payload
from shimtool.plan.keys import DEVICE_MODEL

# MiB with which a guest with Debian's 6.1 kernel starts, besides its ramdisk, measured with shim
# 4.17.7 under Xen 4.17: with 352 the shim ends with "Not enough RAM for domain 0 allocation", as
# it wants one block of memory for the unpacked kernel. Old, small kernels need far less.
_ENOUGH = 384

# NR_CPUS in Xen's own pvshim_defconfig; seen too: "Dom1 has maximum 32 VCPUs" where 128 are listed.
_SHIM_VCPUS = 32


def warnings(guest: Guest, payload: Payload, host: Host, mode: Mode) -> tuple[str, ...]:
    """List what the admin should know before the guest is started again."""
    found = []
    if text := _memory(guest, payload):
        found.append(text)
    if mode is Mode.HVM:
        found.append("live migration and save/restore do not work in HVM mode")
    if guest.maxmem > guest.memory:
        found.append(
            f"maxmem={guest.maxmem} becomes {guest.memory}: memory cannot be raised above memory="
        )
    if guest.maxvcpus > guest.vcpus:
        found.append(
            f"maxvcpus={guest.maxvcpus} becomes {guest.vcpus}: vCPUs cannot be added later"
        )
    if guest.vcpus > _SHIM_VCPUS:
        found.append(
            f"vcpus={guest.vcpus}: a shim gives its guest {_SHIM_VCPUS} at most, unless it was"
            " built for more (its log: 'has maximum N VCPUs')"
        )
    if "vfb" in guest.filled:
        found.append("vfb= is lost: use xl console, or a VNC server inside the guest")
    if ours := [key for key in DEVICE_MODEL if key in guest.filled]:
        found.append(f"replaced by shimtool's own: {', '.join(ours)}")
    if isinstance(guest.boot, BootloaderBoot):
        found += _pvgrub(guest, payload)
    if isinstance(guest.boot, KernelBoot) and mode is Mode.HVM:
        found.append("after a kernel upgrade in dom0 run shimtool convert again")
    if mode is Mode.HVM and hosts.upcall_fixed(host) is None:
        found.append(
            "host not known well enough: on Xen before 4.7.5, 4.8.3, 4.9.2 or 4.10.1 the guest"
            " hangs (say --xen VERSION)"
        )
    return tuple(found)


def _pvgrub(guest: Guest, payload: Payload) -> list[str]:
    bits = payload.kernel.facts.bits
    other, option = (32, "i386") if bits == 64 else (64, "x86_64")
    found = [
        f"PV GRUB, in place of pygrub, is the {bits}-bit one: a guest with a {other}-bit kernel"
        f" does not start from it (say --pvgrub {option})"
    ]
    if "root" in guest.filled and guest.root is not None:
        found.append(
            f"root={guest.root.text} is no longer appended: the guest's own grub.cfg decides"
        )
    return found


def _memory(guest: Guest, payload: Payload) -> str | None:
    """PV GRUB is small, and starts the guest's kernel by means of its own."""
    ramdisk = -(-payload.ramdisk.file.size >> 20) if payload.ramdisk else 0
    needed = _ENOUGH + ramdisk
    if payload.kernel.facts.guest_os == "GRUB" or guest.memory >= needed:
        return None
    return (
        f"memory={guest.memory} may be too little: a shim needs up to {needed} MB to start a large"
        " kernel; should it say 'Not enough RAM for domain 0 allocation', raise memory="
    )
