"""What tests of planning share: the golden configs, and values for every key."""

from pathlib import Path

BASE = {"name": "'g'", "kernel": "'/boot/vmlinuz-guest'", "memory": "512", "vcpus": "1"}
# What a PV guest may say there; other keys are numbers.
VALUES = BASE | {
    "maxmem": "1024", "maxvcpus": "4", "type": "'pv'", "builder": "'generic'", "pvh": "0",
    "ramdisk": "'/boot/initrd-guest'", "root": "'/dev/xvda1 ro'", "extra": "'quiet'",
    "cmdline": "'quiet'", "bootloader": "'/usr/bin/pygrub'", "bootloader_args": "['-q']",
    "disk": "['phy:/dev/vg0/a,xvda,r']", "vif": "['type=ioemu,bridge=br0']",
    "vnuma": "[['pnode=0','size=512','vcpus=0','vdistance=10']]", "cpus": "'all,^0'",
    "uuid": "'5cd23ab1-7d6b-4b1b-9d6b-3b5b6c6d7e8f'", "pci": "['01:00.0']", "irqs": "[7]",
    "usbctrl": "['version=2']", "usbdev": "['hostbus=1,hostaddr=2']", "ioports": "['2f8-2ff']",
    "iomem": "['a0,2']", "dtdev": "['/soc/uart']", "virtio": "['type=virtio,device']",
    "vfb": "['vnc=1']", "channel": "['connection=pty,name=org.example']",
    "p9": "['tag=t,path=/srv,security_model=none']", "vtpm": "['backend=vtpm']",
    "pvcalls": "['backend=0']", "vkb": "['backend-type=qemu']", "vdispl": "['backend=0']",
    "vsnd": "[['card']]", "device_model_args": "['-x']", "device_model_args_hvm": "['-x']",
    "device_model_args_pv": "['-x']", "on_crash": "'restart'", "on_poweroff": "'destroy'",
    "on_reboot": "'restart'", "on_watchdog": "'destroy'", "on_soft_reset": "'soft-reset'",
    "seclabel": "'a:b:c'",
}  # fmt: skip

DATA = Path(__file__).parent / "data"
CASES = sorted(DATA.glob("*.cfg"))
