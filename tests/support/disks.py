"""Guests' disks, made by code: real partition tables, file systems, LVM and image formats."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.mounts import mounted

MIB = 1 << 20
Files = Mapping[str, bytes | str]  # by path; a str is where a symbolic link leads


def tree(folder: Path, files: Files) -> Path:
    """Write files and links below `folder`."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.symlink_to(content)
        else:
            path.write_bytes(content)
    return folder


def run(*words: str | Path, data: str | None = None) -> str:
    done = subprocess.run(
        list(map(str, words)), input=data, capture_output=True, text=True, check=False
    )
    assert not done.returncode, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


def ext(image: Path, files: Files, kind: str = "ext4", size: int = 64, *options: str) -> Path:
    """Make an ext2, ext3 or ext4 of `size` MiB."""
    source = tree(image.with_suffix(".tree"), files)
    image.unlink(missing_ok=True)
    run("mke2fs", "-q", "-t", kind, *options, "-d", source, image, f"{size}M")
    shutil.rmtree(source)
    return image


def xfs(image: Path, files: Files, size: int = 320, *options: str) -> Path:
    """Make an xfs of `size` MiB (300 at least)."""
    source = tree(image.with_suffix(".tree"), files)
    _empty(image, size)
    proto = image.with_suffix(".proto")
    proto.write_text("\n".join(["/dev/null", "0 0", "d--755 0 0", *_proto(source), "$", ""]))
    run("mkfs.xfs", "-q", *options, "-p", proto, image)
    proto.unlink()
    shutil.rmtree(source)
    return image


def _proto(folder: Path) -> Iterator[str]:
    """Describe a folder as mkfs.xfs' prototype files do."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            yield f"{path.name} l--777 0 0 {path.readlink()}"
        elif path.is_dir():
            yield f"{path.name} d--755 0 0"
            yield from _proto(path)
            yield "$"
        else:
            yield f"{path.name} ---644 0 0 {path}"


def btrfs(image: Path, files: Files, size: int = 160) -> Path:
    source = tree(image.with_suffix(".tree"), files)
    _empty(image, size)
    run("mkfs.btrfs", "-q", "-r", source, image)
    shutil.rmtree(source)
    return image


def btrfs_with_subvolume(
    image: Path, name: str, files: Files, *options: str, size: int = 160
) -> Path:
    """Make a btrfs whose files are in a subvolume; needs root and a loop device."""
    btrfs(image, {}, size)
    point = image.with_suffix(".mounted")
    point.mkdir()
    source = tree(image.with_suffix(".tree"), files)
    with mounted(point, "-o", ",".join(("loop", *options)), image):
        run("btrfs", "subvolume", "create", point / name)
        run("cp", "-a", f"{source}/.", point / name)
    point.rmdir()
    shutil.rmtree(source)
    return image


def partitioned(
    image: Path, parts: Sequence[Path | None], label: str = "dos", active: int = 0
) -> Path:
    """Make a disk of partitions holding these images; None: an empty one; `active` from 1 on."""
    sizes = [part.stat().st_size // MIB if part else 1 for part in parts]
    _empty(image, 2 + sum(sizes) + len(sizes))
    lines, starts = [f"label: {label}"], []
    start = 1
    for number, size in enumerate(sizes, 1):
        flag = ", bootable" if number == active else ""
        lines.append(f"start={start}MiB, size={size}MiB{flag}")
        starts.append(start * MIB)
        start += size
    run("sfdisk", "-q", image, data="\n".join(lines) + "\n")
    for part, at in zip(parts, starts, strict=True):
        if part:
            put(image, part, at)
    return image


def put(image: Path, part: Path, at: int) -> None:
    """Copy a file into an image."""
    run("dd", f"if={part}", f"of={image}", "bs=1M", f"seek={at}", "oflag=seek_bytes",
        "conv=notrunc,sparse", "status=none")  # fmt: skip


def lvm(images: Sequence[Path], group: str, volume: str, content: Path) -> None:
    """Make `images` one volume group with one volume of `content`; needs root and loop devices.

    No device-mapper: the volume is never activated, its data go where its extents are.
    """
    size = content.stat().st_size // MIB
    for image in images:
        _empty(image, 8 + size // len(images))
    with _looped(images) as loops:
        options = ("--driverloaded", "n", "--devices", ",".join(loops))
        run("pvcreate", "-q", "-q", *options, *loops)
        run("vgcreate", "-q", "-q", *options, "-s", "1M", group, *loops)
        run("lvcreate", "-q", "-q", *options, "-an", "-Zn", "-Wn", "-n", volume, "-L", f"{size}M",
            group)  # fmt: skip
        rows = run("pvs", *options, "--noheadings", "--units", "b", "--segments", "--nosuffix",
                   "-o", "pv_name,pe_start,pvseg_start,pvseg_size,lv_name")  # fmt: skip
    done = 0
    for row in rows.splitlines():
        loop, pe_start, start, length, *name = row.split()
        if name == [volume]:
            run("dd", f"if={content}", f"of={images[loops.index(loop)]}", "bs=1M", f"skip={done}",
                f"count={length}", f"seek={int(pe_start) + int(start) * MIB}", "oflag=seek_bytes",
                "conv=notrunc", "status=none")  # fmt: skip
            done += int(length)
    assert done == size


@contextmanager
def _looped(images: Sequence[Path]) -> Iterator[list[str]]:
    loops: list[str] = []
    try:
        for image in images:
            loops.append(run("losetup", "-f", "--show", image).strip())
        yield loops
    finally:
        for loop in loops:
            run("losetup", "-d", loop)


@contextmanager
def block_device(image: Path) -> Iterator[Path]:
    """Give an image as a block device."""
    with _looped([image]) as (loop,):
        yield Path(loop)


def converted(image: Path, kind: str) -> Path:
    """Convert a raw image to qcow2, vpc (vhd) or vhdx."""
    made = image.with_suffix(f".{kind}")
    run("qemu-img", "convert", "-O", kind, image, made)
    return made


def grub_cfg(*entries: tuple[str, str, str, str], default: str = "0") -> bytes:
    """Write a grub.cfg in the shape of Debian's grub-mkconfig: (title, kernel, line, ramdisk)."""
    menu = "".join(
        f"""menuentry '{title}' --class os $menuentry_id_option 'gnulinux-{number}' {{
\tload_video
\tinsmod gzio
\tif [ x$grub_platform = xxen ]; then insmod xzio; insmod lzopio; fi
\tinsmod part_msdos
\tinsmod ext2
\tif [ x$feature_platform_search_hint = xy ]; then
\t  search --no-floppy --fs-uuid --set=root  8f0a2f0a-1111-4222-8333-0123456789ab
\telse
\t  search --no-floppy --fs-uuid --set=root 8f0a2f0a-1111-4222-8333-0123456789ab
\tfi
\techo\t'Loading Linux {number} ...'
\tlinux\t{kernel} {line}
\techo\t'Loading initial ramdisk ...'
\tinitrd\t{ramdisk}
}}
"""
        for number, (title, kernel, line, ramdisk) in enumerate(entries)
    )  # fmt: skip
    head, rest = _GRUB_CFG.split("@MENU@")
    return (head.replace("@DEFAULT@", default) + menu + rest).encode(errors="surrogateescape")


_GRUB_CFG = """\
#
# DO NOT EDIT THIS FILE
#
### BEGIN /etc/grub.d/00_header ###
if [ -s $prefix/grubenv ]; then
  set have_grubenv=true
  load_env
fi
if [ "${next_entry}" ] ; then
   set default="${next_entry}"
   set next_entry=
   save_env next_entry
   set boot_once=true
else
   set default="@DEFAULT@"
fi

if [ x"${feature_menuentry_id}" = xy ]; then
  menuentry_id_option="--id"
else
  menuentry_id_option=""
fi

export menuentry_id_option

function savedefault {
  if [ -z "${boot_once}" ]; then
    saved_entry="${chosen}"
    save_env saved_entry
  fi
}
function load_video {
  if [ x$feature_all_video_module = xy ]; then
    insmod all_video
  else
    insmod vga
  fi
}
set timeout=5
### END /etc/grub.d/00_header ###
### BEGIN /etc/grub.d/10_linux ###
@MENU@
### END /etc/grub.d/10_linux ###
### BEGIN /etc/grub.d/40_custom ###
# This file provides an easy way to add custom menu entries.
### END /etc/grub.d/40_custom ###
"""


def _empty(image: Path, size: int) -> None:
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        os.truncate(file.fileno(), size * MIB)
