"""Sample guests: xl configs as admins write them, with Debian's kernel and real ramdisks.

`python -m tests.support.samples DIR` writes DIR/etc-xen/*.cfg and DIR/boot, which is the
/boot of the dom0 that the configs speak of.
"""

import shutil
import sys
from pathlib import Path

from tests.support import debs, guests

CONVERTIBLE = ("web01", "db01", "mail01")
REFUSED = ("gpu01", "old01")

_CONFIGS = {
    # A kernel and a ramdisk of dom0, a whole disk.
    "web01": """\
# web01 - shop front end; ask ops before a reboot
name    = "web01"
memory  = 512
vcpus   = 2

kernel  = "/boot/vmlinuz-{version}"
ramdisk = "/boot/initrd.img-{version}"
root    = "/dev/xvda1 ro"
extra   = "console=hvc0 dyndbg=\\"file drivers/xen/* +p\\""

disk = [ "phy:/dev/vg0/web01-disk,xvda,w" ]
vif  = [ "mac=00:16:3e:5e:00:01,bridge=xenbr0" ]

on_crash = "restart"
""",
    # As xen-tools writes them: partitions as disks, numbers as strings, keys xl does not know,
    # kernel and ramdisk by dom0's links.
    "db01": """\
#
# db01, made by a script in 2016
#

kernel      = '/boot/vmlinuz'
ramdisk     = '/boot/initrd.img'
extra       = 'elevator=noop'

vcpus       = '1'
memory      = '512'

root        = '/dev/xvda2 ro'
disk        = [
                  'phy:/dev/vg0/db01-disk,xvda2,w',
                  'phy:/dev/vg0/db01-swap,xvda1,w',
              ]

name        = 'db01'
hostname    = 'db01.example.org'

dhcp        = 'dhcp'
vif         = [ 'mac=00:16:3E:5E:00:02,bridge=xenbr0' ]

on_poweroff = 'destroy'
on_reboot   = 'restart'
on_crash    = 'restart'
""",
    # The kernel is inside the guest's disk.
    "mail01": """\
bootloader = '/usr/lib/xen-4.17/bin/pygrub'
name       = 'mail01'
memory     = '512'
vcpus      = 1
disk       = ['phy:/dev/vg0/mail01-disk,xvda,w']
vif        = ['mac=00:16:3e:5e:00:03,bridge=xenbr0']
""",
    # A device passed through to the guest.
    "gpu01": """\
name    = "gpu01"
memory  = 1024
kernel  = "/boot/vmlinuz-{version}"
ramdisk = "/boot/initrd.img-{version}"
root    = "/dev/xvda1 ro"
disk    = [ "phy:/dev/vg0/gpu01-disk,xvda,w" ]
pci     = [ "01:00.0" ]
""",
    # Its kernel went away with an upgrade of dom0.
    "old01": """\
name    = "old01"
memory  = 256
kernel  = "/boot/vmlinuz-2.6.32-5-xen-amd64"
ramdisk = "/boot/initrd.img-2.6.32-5-xen-amd64"
root    = "/dev/xvda1 ro"
disk    = [ "phy:/dev/vg0/old01-disk,xvda1,w" ]
""",
}


def write_samples(folder: Path) -> None:
    """Write the samples into `folder`, which need not be there yet."""
    configs, boot = folder / "etc-xen", folder / "boot"
    for place in (configs, boot):
        place.mkdir(parents=True)
    version = debs.kernel().name.removeprefix("vmlinuz-")
    for name, text in _CONFIGS.items():
        (configs / f"{name}.cfg").write_text(text.format(version=version), "utf-8")
    shutil.copyfile(debs.kernel(), boot / f"vmlinuz-{version}")
    (boot / f"initrd.img-{version}").write_bytes(guests.busybox_ramdisk())
    (boot / f"initrd-two-parts.img-{version}").write_bytes(guests.two_part_ramdisk())
    (boot / "vmlinuz").symlink_to(f"vmlinuz-{version}")
    # Absolute: it leads to dom0's /boot, not to that of whoever reads it.
    (boot / "initrd.img").symlink_to(f"/boot/initrd-two-parts.img-{version}")


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
