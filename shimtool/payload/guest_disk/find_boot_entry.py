"""Which kernel and ramdisk of a disk boot: found as pygrub would, on more kinds of volumes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from typing import BinaryIO

from shimtool.deferred import dataclass
from shimtool.payload.guest_disk import bls, menu
from shimtool.payload.guest_disk.file_systems import Node, Tree, open_trees
from shimtool.payload.guest_disk.limits import library_errors
from shimtool.payload.guest_disk.menu import Entry, Menu
from shimtool.payload.guest_disk.paths import find, find_file
from shimtool.payload.guest_disk.volumes import Volume, at_offset, volumes
from shimtool.payload.jailed.answers import UnreadableError

_TEXT_LIMIT = 1 << 20  # bytes of a config, pygrub's own limit
_MOST_ENTRIES = 200  # files of loader/entries

# pygrub's list (4.13-4.21; before, /boot/extlinux/ and / were not searched for extlinux.conf).
_CONFIGS: tuple[tuple[str, Callable[[str], Menu]], ...] = (
    *((f"{folder}/grub.cfg", menu.grub2) for folder in
      ("/boot/grub", "/grub", "/boot/grub2", "/grub2")),
    ("/boot/isolinux/isolinux.cfg", menu.syslinux),
    *((f"{folder}/extlinux.conf", menu.syslinux) for folder in
      ("/boot/extlinux", "/boot", "/extlinux", "")),
    *((f"{folder}/{name}", menu.legacy) for folder in ("/boot/grub", "/grub")
      for name in ("menu.lst", "grub.conf")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BootRequest:
    """What pygrub's options ask for: an entry by number or title, or files by path."""

    entry: str | None = None
    kernel: str | None = None
    ramdisk: str | None = None
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file: its own path in the file system, or in a subvolume of it."""

    path: str
    subvolume: str = ""


@dataclass(frozen=True, slots=True)
class BootSelection:
    """What boots: files of one volume; `menu` is "" when none was read."""

    volume: Volume
    tree: Tree
    kernel: FoundFile
    ramdisk: FoundFile | None = None
    arguments: str = ""
    title: str = ""
    menu: str = ""


@dataclass(slots=True)
class _Search:
    """One search through volumes; `problems` says what stood in its way."""

    wanted: BootRequest
    problems: list[str] = field(default_factory=list)

    def first(self, candidates: Iterable[Volume]) -> BootSelection | None:
        return next((found for volume in candidates if (found := self.on(volume))), None)

    def on(self, volume: Volume) -> BootSelection | None:
        """Look at one volume; whatever is wrong with it is noted."""
        place = volume.name or "the disk"
        try:
            trees = open_trees(volume.stream)
        except UnreadableError as error:
            self.problems.append(f"{place}: {error}")
            return None
        for tree in trees:
            try:
                if found := self._in(volume, tree):
                    return found
            except UnreadableError as error:
                self.problems.append(f"{place}: {error}")
        return None

    def _in(self, volume: Volume, tree: Tree) -> BootSelection | None:
        if self.wanted.kernel is not None:
            found = _file(tree, self.wanted.kernel)
            ramdisk = self._ramdisk(tree, self.wanted.ramdisk or "") if found else None
            return BootSelection(volume, tree, found, ramdisk) if found else None
        for path, read in _CONFIGS:
            if config := find_file(tree.root, path):
                entries = _menu(tree, path, _text(config[0]), read)
                return self._entry(volume, tree, path, entries.chosen(self.wanted.entry))
        return None

    def _entry(self, volume: Volume, tree: Tree, path: str, entry: Entry | None) -> BootSelection:
        if entry is None or not entry.kernel:
            raise UnreadableError(f"{path} has no entry that names a kernel")
        kernel = _file(tree, entry.kernel)
        if kernel is None:
            raise UnreadableError(f"{path} names the kernel {entry.kernel}, which is not there")
        ramdisk = self._ramdisk(tree, entry.ramdisk)
        return BootSelection(volume, tree, kernel, ramdisk, entry.arguments, entry.title, path)

    def _ramdisk(self, tree: Tree, path: str) -> FoundFile | None:
        if not path:
            return None
        if found := _file(tree, path):
            return found
        several = " (several of them are not supported)" if " " in path else ""
        raise UnreadableError(f"the ramdisk {path} is not there{several}")


def find_boot_entry(disks: Sequence[BinaryIO], wanted: BootRequest) -> BootSelection:
    """Find what boots: where pygrub looks, the first file system with a menu counts; elsewhere

    (LVM, other disks) it must be the only one. Raises UnreadableError saying why there is none.
    """
    search = _Search(wanted)
    if wanted.offset is not None:
        found = search.on(at_offset(disks[0], wanted.offset))
    else:
        everything = list(volumes(disks))
        found = _plain(search, [volume for volume in everything if volume.plain])
        if found is None:
            others = [search.on(volume) for volume in everything if not volume.plain]
            found = _only([each for each in others if each])
    if found:
        return found
    looked_for = wanted.kernel or "a boot menu (grub.cfg, extlinux.conf, menu.lst)"
    why = "; ".join(dict.fromkeys(search.problems)) or f"no ext2-4, xfs or btrfs has {looked_for}"
    raise UnreadableError(why)


def _plain(search: _Search, candidates: Sequence[Volume]) -> BootSelection | None:
    """Take the first volume with a menu; it must be the same whichever Python pygrub runs by."""
    found = search.first(candidates)
    active = [volume for volume in candidates if volume.active]
    other = search.first(active) if found and not found.volume.active else None
    if found and other:
        raise UnreadableError(
            f"both {found.volume.name} and {other.volume.name} have a boot menu, and which of them"
            " pygrub takes depends on the Python it runs by: name one in bootloader_args, by"
            f" --offset={found.volume.offset} or --offset={other.volume.offset}"
        )
    return found


def _only(found: list[BootSelection]) -> BootSelection | None:
    if len(found) > 1:
        names = ", ".join(f"{each.menu} on {each.volume.name}" for each in found)
        raise UnreadableError(f"it has several boot menus: {names}")
    return found[0] if found else None


def _file(tree: Tree, path: str) -> FoundFile | None:
    """Find a file by a boot loader's path: on btrfs these begin at the top level."""
    if tree.boot_root and (found := find_file(tree.boot_root, path)):
        return FoundFile(found[1])
    found = find_file(tree.root, path)
    return FoundFile(found[1], tree.name) if found else None


def _menu(tree: Tree, path: str, text: str, read: Callable[[str], Menu]) -> Menu:
    entries = read(text)
    if read is not menu.grub2 or any(entry.kernel for entry in entries.entries):
        return entries
    folder = path.rpartition("/")[0]
    place = find(tree.root, f"{folder.rpartition('/')[0]}/loader/entries")
    if "blscfg" not in text or not place:
        return entries
    files = {
        name: _text(node)
        for name, node in list(place[0].entries())[:_MOST_ENTRIES]
        if name.endswith(".conf") and node.kind == "file"
    }
    environment = find_file(tree.root, f"{folder}/grubenv")
    return bls.read_entries(
        files, bls.read_environment(_text(environment[0])) if environment else {}
    )


def _text(node: Node) -> str:
    with library_errors("boot menu"):
        return node.open().read(min(node.size, _TEXT_LIMIT)).decode(errors="surrogateescape")
