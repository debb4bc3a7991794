"""Disks of guests that boot by themselves: each layout is a script for sfdisk, mkfs, LVM in dom0.

Files.tree() writes what goes on them to /guest/trees in dom0. The scripts leave the disks at
/dev/loop0 and /dev/loop1, which the layout's `disks` hand to the guest.
"""

from dataclasses import dataclass

UUID = "b2a7c2a4-6d0e-4f8e-9d52-6f2f6b1c0e11"  # of the file system with the boot files

# disk NUMBER [TYPE TABLE]: a disk with partitions; put DEVICE TYPE TREE: a file system with files.
_TOOLS = r"""
set -e
udevless='--config activation{udev_sync=0udev_rules=0verify_udev_operations=0}'
disk() {
  mkdir -p /guest/disks
  truncate -s 400M /guest/disks/$1
  losetup -P /dev/loop$1 /guest/disks/$1
  [ -z "$2" ] || printf "label: $2\n$3\n" | sfdisk -q /dev/loop$1
}
put() {
  case $2 in
    ext*) mkfs.$2 -q -F -U $UUID $1 ;;
    xfs) mkfs.xfs -q -f -m uuid=$UUID $1 ;;
    btrfs) mkfs.btrfs -q -f -U $UUID $1 ;;
  esac
  mount -t $2 $1 /mnt
  [ $2 != btrfs ] || btrfs subvolume create /mnt/@
  into=/mnt; [ $2 != btrfs ] || into=/mnt/@
  cp -a /guest/trees/$3/. $into
  umount /mnt
}
volume() { # VOLUME-GROUP PARTITION: a logical volume `root` over all of it
  pvcreate -q $udevless $2
  vgcreate -q $udevless $1 $2
  lvcreate -q -y -Z n $udevless -n root -l 100%FREE $1
}
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """A script, the guest's disks, and where the boot files and the guest's root are.

    `boot` is the folder of kernel and ramdisk as the boot loader sees it, empty when they have a
    file system of their own; `root` is the root device for the guest's kernel, its `challenge`
    seen only where the ramdisk, with `modules`, can mount it.
    """

    script: str
    disks: tuple[str, ...] = ("xvda",)
    boot: str = "/boot"
    root: str = "/dev/xvda1"
    challenge: bool = True
    modules: tuple[str, ...] = ()

    @property
    def prepare(self) -> str:
        return f"UUID={UUID}\n{_TOOLS}\n{self.script}\nsync"

    def disk_key(self) -> str:
        """Return the config's disk=."""
        entries = (f"phy:/dev/loop{i},{vdev},w" for i, vdev in enumerate(self.disks))
        return f"disk = {list(entries)}"


MBR = Layout("disk 0 dos ',,L,*'\nput /dev/loop0p1 ext4 root")
GPT = Layout(
    "disk 0 gpt ',1M,21686148-6449-6E6F-744E-656564454649\\n,,L'\nput /dev/loop0p2 ext4 root",
    root="/dev/xvda2",
)
# As xen-tools does: whole file systems, exported as partitions of a disk that is not there.
PARTITION_VDEV = Layout(
    "disk 0\nput /dev/loop0 ext3 root\ndisk 1\nmkswap -q /dev/loop1",
    disks=("xvda2", "xvda1"),
    root="/dev/xvda2",
)
LVM = Layout(
    "disk 0 dos ',,8e'\nvolume guest /dev/loop0p1\n"
    "put /dev/guest/root ext4 root\nvgchange -q $udevless -an guest",
    root="/dev/mapper/guest-root",
    challenge=False,  # no LVM in the ramdisk
)
SEPARATE_BOOT = Layout(
    "disk 0 dos ',200M,L,*\\n,,L'\nput /dev/loop0p1 ext2 boot\n"
    "UUID=3f9f8d0a-7b7c-4c0e-8f5e-1d7e5f2b9a10 put /dev/loop0p2 ext4 root",
    boot="",
    root="/dev/xvda2",
)
BOOT_BESIDE_LVM = Layout(
    "disk 0 dos ',200M,L,*\\n,,8e'\nput /dev/loop0p1 ext4 boot\nvolume guest /dev/loop0p2\n"
    "UUID=3f9f8d0a-7b7c-4c0e-8f5e-1d7e5f2b9a10 put /dev/guest/root ext4 root\n"
    "vgchange -q $udevless -an guest",
    boot="",
    root="/dev/mapper/guest-root",
    challenge=False,
)
# The disk that is listed first is not the one of the lowest name.
NEW_AND_OLD = Layout(
    "disk 0 dos ',,L,*'\nput /dev/loop0p1 ext4 root\n"
    "disk 1\nUUID=3f9f8d0a-7b7c-4c0e-8f5e-1d7e5f2b9a10 put /dev/loop1 ext4 old",
    disks=("xvdb", "xvda"),
    root="/dev/xvdb1",
)
XFS = Layout("disk 0 dos ',,L,*'\nput /dev/loop0p1 xfs root", modules=("xfs",))
BTRFS = Layout(
    "disk 0 dos ',,L,*'\nput /dev/loop0p1 btrfs root",
    boot="/@/boot",
    challenge=False,  # below @, where the ramdisk's mount does not look
)
