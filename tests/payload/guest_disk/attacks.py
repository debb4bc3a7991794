"""Disks that do harm to whoever reads them without limits: each named attack, made anew."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

from tests.payload.guest_disk.support import NOTHING, RAMDISK, WHOLE, kernel
from tests.support import disks

MIB = 1 << 20
FILES: disks.Files = {
    **WHOLE,
    "/boot/vmlinuz-6.1": kernel(bytes(range(256)) * 40),
    "/boot/initrd.img-6.1": RAMDISK[:9000],
}
_CONFIG = "/boot/grub/grub.cfg"


def _changed(image: Path, at: int, data: bytes) -> Path:
    with image.open("r+b") as file:
        file.seek(at)
        file.write(data)
    return image


# --- LVM, made without its tools ------------------------------------------------------------------

_EXTENT = 1 * MIB
_GROUP = """\
vg {
id = "AAAAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAAAA"
seqno = 1
status = ["READ", "WRITE"]
flags = []
extent_size = 2048
max_lv = 0
max_pv = 0
MORE
physical_volumes {
pv0 {
id = "AAAAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAAAA"
status = ["ALLOCATABLE"]
pe_start = 2048
pe_count = 20
}
}
logical_volumes {
VOLUMES}
}
contents = "Text Format Volume Group"
version = 1
"""


def _volume(name: str, segment: str, *, visible: bool = False) -> str:
    seen = ', "VISIBLE"' if visible else ""
    return (
        f'{name} {{\nid = "C"\nstatus = ["READ"{seen}]\nflags = []\nsegment_count = 1\n'
        f"segment1 {{\nstart_extent = 0\nextent_count = 2\n{segment}\n}}\n}}\n"
    )


def _linear(extent: int) -> str:
    return f'type = "striped"\nstripe_count = 1\nstripes = [\n"pv0", {extent}\n]'


def _lvm(image: Path, text: str, label: int = 32) -> Path:
    """Make a physical volume with this description; `label` is where its header is said to be."""
    end = bytes(16)
    header = b"A" * 32 + struct.pack("<Q", 24 * MIB) + struct.pack("<QQ", MIB, 0) + end
    header += struct.pack("<QQ", 4096, 8 * MIB) + end
    area = struct.pack("<I16sIQQ", 0, b" LVM2 x[5A%r0N*>", 1, 4096, 8 * MIB)
    area += struct.pack("<QQII", 12 * MIB, len(text) + 1, 0, 0) + bytes(24)
    with image.open("wb") as file:
        os.truncate(file.fileno(), 40 * MIB)
    _changed(image, 512, struct.pack("<8sQII8s", b"LABELONE", 1, 0, label, b"LVM2 001"))
    _changed(image, 512 + label, header)
    _changed(image, 4096, area)
    return _changed(image, 4096 + 12 * MIB, text.encode() + b"\0")


def _group(volumes: str, more: str = "") -> str:
    return _GROUP.replace("VOLUMES", volumes).replace("MORE", more)


def lvm_mirror(folder: Path) -> Path:
    """A volume that mirrors itself, twice: 2^n tries."""
    mirror = 'type = "mirror"\nmirror_count = 2\nmirrors = [\n"root", 0, "root", 0\n]'
    return _lvm(folder / "disk.img", _group(_volume("root", mirror, visible=True)))


def lvm_thin_in_circles(folder: Path) -> Path:
    """A thin volume whose pool lies on itself."""
    thin = 'type = "thin"\nthin_pool = "pool"\ntransaction_id = 1\ndevice_id = 1'
    pool = (
        'type = "thin-pool"\nmetadata = "root"\npool = "pool"\ntransaction_id = 1\nchunk_size = 128'
    )
    volumes = _volume("root", thin, visible=True) + _volume("pool", pool)
    return _lvm(folder / "disk.img", _group(volumes))


def thin_tree(folder: Path) -> Path:
    """A thin pool whose tree of devices leads to itself."""
    return _changed(thin_pool(folder, b""), MIB + 4096, _node(_INTERNAL, {1: 1}))


def thin_pool(folder: Path, content: bytes) -> Path:
    """Make a volume group with a thin pool, whose one device holds `content` (2 MiB at most)."""
    thin = 'type = "thin"\nthin_pool = "pool"\ntransaction_id = 1\ndevice_id = 1'
    pool = (
        'type = "thin-pool"\nmetadata = "meta"\npool = "data"\ntransaction_id = 1\nchunk_size = 128'
    )
    volumes = _volume("root", thin, visible=True) + _volume("pool", pool)
    volumes += _volume("meta", _linear(0)) + _volume("data", _linear(2))
    image = _lvm(folder / "disk.img", _group(volumes))
    roots = struct.pack("<QQIIQ", 2, 1, 128, 8, 512)
    superblock = struct.pack("<IIQ16sQIIQQ", 0, 0, 0, b"", 27022010, 2, 0, 0, 0) + bytes(256)
    _changed(image, MIB, superblock + roots)
    _changed(image, MIB + 4096, _node(_LEAF, {1: bytes(24)}))  # devices
    _changed(image, MIB + 2 * 4096, _node(_LEAF, {1: 3}))  # their blocks: one tree each
    chunks = {number: number << 24 for number in range(32)}
    _changed(image, MIB + 3 * 4096, _node(_LEAF, chunks))
    return _changed(image, 3 * MIB, content)


_INTERNAL, _LEAF = 1, 2


def _node(kind: int, values: dict[int, int] | dict[int, bytes]) -> bytes:
    """Make a node of device-mapper's trees: header, keys, values."""
    found = [v if isinstance(v, bytes) else struct.pack("<Q", v) for v in values.values()]
    header = struct.pack("<IIQIIII", 0, kind, 0, len(found), len(found), len(found[0]), 0)
    return header + struct.pack(f"<{len(found)}Q", *values) + b"".join(found)


def lvm_hashes(folder: Path) -> Path:
    """What LVM's own parser takes for a comment costs the library's time squared."""
    return _lvm(folder / "disk.img", "#" * 100_000 + '"' + _group(""), label=1024)


def lvm_list(folder: Path) -> Path:
    """4 MB of a list."""
    text = _group("", "tags = [\n" + "1,\n" * 1_400_000 + "1\n]")
    return _lvm(folder / "disk.img", text)


# --- file systems ---------------------------------------------------------------------------------


def ext_blocks(folder: Path) -> Path:
    """Blocks, and clusters, of 1024 << 0xffffffff bytes."""
    return _changed(disks.ext(folder / "disk.img", FILES, "ext4", 8), 1024 + 24, b"\xff" * 8)


def ext_hole(folder: Path) -> Path:
    """A ramdisk that is one hole of 500 MB."""
    image = disks.ext(folder / "disk.img", FILES, "ext4", 8)
    disks.run("debugfs", "-w", "-R", "set_inode_field /boot/initrd.img-6.1 size 500000000", image)
    return image


def ext_holes_between_bytes(folder: Path) -> Path:
    """A ramdisk of 100 MB with one byte in each 256 KB."""
    image, many = disks.ext(folder / "disk.img", FILES, "ext4", 8), folder / "many"
    with many.open("wb") as file:
        for at in range(0, 100 << 20, 256 << 10):
            file.seek(at)
            file.write(b"x")
        file.truncate(100 << 20)
    deeds = folder / "deeds"
    deeds.write_text(f"cd /boot\nrm initrd.img-6.1\nwrite {many} initrd.img-6.1\n")
    disks.run("debugfs", "-w", "-f", deeds, image)
    return image


def ext_hole_of_a_gigabyte(folder: Path) -> Path:
    image = disks.ext(folder / "disk.img", FILES, "ext4", 8)
    disks.run("debugfs", "-w", "-R", "set_inode_field /boot/initrd.img-6.1 size 1073741823", image)
    return image


def btrfs_loop(folder: Path) -> Path:
    """The root of the tree of trees is its own child."""
    image = disks.btrfs(folder / "disk.img", FILES)
    with image.open("r+b") as file:
        file.seek(0x10000 + 0x50)
        address = file.read(8)
        child = bytes(17) + address + bytes(8)
        for at in range(0, image.stat().st_size, 4096):
            file.seek(at + 48)
            if file.read(8) == address:
                file.seek(at + 96)
                file.write(struct.pack("<IB", 121, 1) + child * 121)
    return image


def _packed_btrfs(image: Path, data: bytes, compression: int) -> Path:
    """Make a btrfs whose ramdisk is `data` in one extent, said to be compressed."""
    size = -(-len(data) // 4096) * 4096
    disks.btrfs(image, {**FILES, "/boot/initrd.img-6.1": data.ljust(size, b"\0")})
    whole = image.read_bytes()
    plain, packed = (struct.pack("<QBBHB", size, kind, 0, 0, 1) for kind in (0, compression))
    at = whole.find(plain)
    assert at >= 0
    while at >= 0:
        _changed(image, at, packed)
        at = whole.find(plain, at + 1)
    return image


def btrfs_zlib(folder: Path) -> Path:
    """An extent of a megabyte that unpacks to 2 GB: a piece that ends at a byte, repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    piece = packer.compress(bytes(16 * MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return _packed_btrfs(folder / "disk.img", b"\x78\x9c" + piece * (MIB // len(piece)), 1)


def btrfs_lzo(folder: Path) -> Path:
    """A match in front of the beginning: a library in Rust panics, which is no Exception."""
    data = struct.pack("<II", 5000, 4990) + b"\x12a\x1f" + b"\xff" * 5000
    return _packed_btrfs(folder / "disk.img", data, 2)


# --- boot menus -----------------------------------------------------------------------------------


def regular_expression(folder: Path) -> Path:
    """Lines of a menu entry that never ends, and that could end at 8000 places."""
    lines = (b"menuentry '{" + b"' " * 8180 + b"\n") * 60
    return disks.ext(folder / "disk.img", {**FILES, _CONFIG: lines}, "ext4", 8)


def variables(folder: Path) -> Path:
    """A menu entry of 16,000 variables of 64 KB each."""
    files: disks.Files = {
        "/boot/grub2/grub.cfg": b"blscfg\n",
        "/boot/grub2/grubenv": b"a=" + b"x" * (64 << 10),
        "/boot/loader/entries/a.conf": b"linux /boot/vmlinuz-6.1\noptions " + b"$a" * 16_000,
        "/boot/vmlinuz-6.1": FILES["/boot/vmlinuz-6.1"],
    }
    return disks.ext(folder / "disk.img", files, "ext4", 8)


def partitions(folder: Path) -> Path:
    """A GPT of 4,294,967,295 partitions."""
    part = disks.ext(folder / "part.img", NOTHING, "ext2", 4)
    image = disks.partitioned(folder / "disk.img", [part], "gpt")
    return _changed(image, 512 + 80, b"\xff" * 4)


CPU, MEMORY = "processor time", "memory"
# What the guest is refused with; where a loop or a bomb is found depends on the library.
ATTACKS: dict[Callable[[Path], Path], tuple[str, ...]] = {
    lvm_mirror: ("linear or thin",),
    lvm_thin_in_circles: ("linear or thin",),
    thin_tree: (CPU,),
    lvm_hashes: (CPU,),
    lvm_list: (CPU, MEMORY),
    ext_blocks: (CPU, MEMORY),
    ext_hole: ("are zeros", CPU),  # which a slow machine does not get to
    ext_holes_between_bytes: ("are zeros", CPU),
    ext_hole_of_a_gigabyte: ("no kernel and no ramdisk",),
    btrfs_loop: (CPU, MEMORY),
    btrfs_zlib: (CPU, MEMORY),
    btrfs_lzo: ("PanicException",),
    regular_expression: ("no entry that names a kernel",),
    variables: ("variables add more",),
    partitions: ("no ext2-4",),
}
