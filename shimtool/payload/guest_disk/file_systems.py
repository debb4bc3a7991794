"""File systems as trees of nodes: ext2-4, xfs and btrfs, read by dissect, looked at with care."""

import stat
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Literal, cast

from shimtool.deferred import dataclass
from shimtool.payload.guest_disk.limits import (
    FILE_LIMIT,
    import_dissect,
    library_errors,
)
from shimtool.payload.jailed.answers import UnreadableError

_FOLDER_LIMIT = 64 << 20  # bytes of a folder: a million names
_LINK_LIMIT = 4095  # bytes (PATH_MAX)
_VALID = 1  # ext2: unmounted
_RECOVER = 4  # ext3/4: the journal holds what is not yet in its place
_ENCRYPTED = 0x800  # ext4's inode flag
_EXTENTS = 0x80000
_INLINE = 0x10000000
_GRUB_LACKS = {0x400: "ea_inode", 0x8000: "inline_data", 0x20000: "casefold"}
# filetype, recover, meta_bg, extents, 64bit, mmp, flex_bg, csum_seed, large_dir, encrypt
_GRUB_READS = 0x163D6
_BIGALLOC = 0x200
_KINDS: dict[int, Literal["file", "folder", "link"]] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A file, folder or link; `inode` is dissect's. Methods raise UnreadableError."""

    inode: Any
    system: Literal["ext", "xfs", "btrfs"]

    @property
    def kind(self) -> Literal["file", "folder", "link", "other"]:
        """What it is, said by the inode itself."""
        with library_errors(f"{self.system} inode"):
            if self.system == "btrfs":
                mode = self.inode.inode.mode
            else:
                mode = self.inode.inode.di_mode if self.system == "xfs" else self.inode.inode.i_mode
        return _KINDS.get(stat.S_IFMT(mode), "other")

    @property
    def size(self) -> int:
        """Size in bytes, as the inode has it."""
        with library_errors(f"{self.system} inode"):
            return int(self.inode.size)

    @property
    def stamp(self) -> tuple[int, int, int]:
        """(inode number, size in bytes, ctime in ns)."""
        with library_errors(f"{self.system} inode"):
            return int(self.inode.inum), int(self.inode.size), int(self.inode.ctime_ns)

    def entries(self) -> Iterator[tuple[str, "Node"]]:
        """Yield what is in a folder."""
        if self.kind != "folder":
            return
        if self.size > _FOLDER_LIMIT:
            raise UnreadableError(f"a folder of {self.size} bytes")
        with library_errors(f"{self.system} folder"):
            if self.system == "ext" and self.inode.inode.i_flags & _INLINE:
                raise UnreadableError("folders inside of inodes (inline_data) are not supported")
            for each in self.inode.iterdir():
                name, inode = each if self.system == "btrfs" else (each.filename, each)
                if name not in (".", ".."):
                    yield name, Node(inode, self.system)

    def child(self, name: str) -> "Node | None":
        """Return what a folder has by that name."""
        return next((node for each, node in self.entries() if each == name), None)

    def target(self) -> str:
        """Return where a link leads."""
        if self.size > _LINK_LIMIT:
            raise UnreadableError(f"a symbolic link of {self.size} bytes")
        with library_errors(f"{self.system} symbolic link"):
            return str(self.inode.link)

    def open(self) -> BinaryIO:
        """Open a file; the library's stream, to be read under `library_errors`."""
        if self.size > FILE_LIMIT:
            raise UnreadableError(f"a file of {self.size} bytes is no kernel and no ramdisk")
        with library_errors(f"{self.system} file"):
            if self.system == "ext":
                self._refuse_odd_ext()
            return cast("BinaryIO", self.inode.open())

    def _refuse_odd_ext(self) -> None:
        """Refuse what the library reads wrong: encrypted files, and holes without extents."""
        inode = self.inode.inode
        if inode.i_flags & _ENCRYPTED:
            raise UnreadableError("the file is encrypted")
        held = inode.i_blocks_lo * 512
        if self.kind == "file" and not inode.i_flags & _EXTENTS and held < self.size:
            raise UnreadableError("the file is sparse; inside the guest, copy it over itself")


@dataclass(frozen=True, slots=True)
class Tree:
    """A file system: where its paths begin, its UUID, whether it was unmounted (None: unknown).

    `boot_root` is where a boot loader's paths begin when that is not `root`: btrfs' top level.
    `not_for_grub` names features for which GRUB does not read it.
    """

    root: Node
    uuid: str
    clean: bool | None = None
    boot_root: Node | None = None
    name: str = ""
    not_for_grub: tuple[str, ...] = ()


def open_trees(stream: BinaryIO) -> list[Tree]:
    """Return the file system on a volume; several (subvolumes) of a btrfs; none for others.

    Raises UnreadableError when it is one of these but damaged.
    """
    for magic_at, magic, open_one in _SYSTEMS:
        with library_errors("its begin"):
            stream.seek(magic_at)
            found = stream.read(len(magic))
        if found == magic:
            return open_one(stream)
    return []


def _ext(stream: BinaryIO) -> list[Tree]:
    with library_errors("ext2/3/4 file system"):
        system = import_dissect("dissect.extfs").ExtFS(stream)
        if not 10 <= system.sb.s_log_block_size + 10 <= 16:
            raise UnreadableError("blocks of an odd size")
        clean = bool(system.sb.s_state & _VALID) and not system.sb.s_feature_incompat & _RECOVER
        return [
            Tree(
                Node(system.root, "ext"),
                str(system.uuid),
                clean,
                not_for_grub=_not_for_grub(
                    system.sb.s_feature_incompat, system.sb.s_feature_ro_compat
                ),
            )
        ]


def _not_for_grub(incompatible: int, read_only: int) -> tuple[str, ...]:
    """Name what GRUB's ext2 cannot read (tried with Debian 12's GRUB 2.06, grub-fstest)."""
    found = [name for bit, name in _GRUB_LACKS.items() if incompatible & bit]
    if unknown := incompatible & ~(_GRUB_READS | sum(_GRUB_LACKS)):
        found.append(f"incompatible features {unknown:#x}")
    return (*found, *(["bigalloc"] if read_only & _BIGALLOC else []))


def _xfs(stream: BinaryIO) -> list[Tree]:
    with library_errors("xfs file system"):
        system = import_dissect("dissect.xfs").XFS(stream)
        uuid = system.sb.sb_uuid
        return [Tree(Node(system.root, "xfs"), bytes(uuid).hex())]


def _btrfs(stream: BinaryIO) -> list[Tree]:
    """The default subvolume first, then the top level, then those that installers make."""
    with library_errors("btrfs file system"):
        system = _careful_btrfs(stream)
        if system.sb.num_devices != 1:
            raise UnreadableError(f"it spans {system.sb.num_devices} devices")
        top = Node(system.fs_tree.root, "btrfs")
        default, uuid = system.default_subvolume, str(system.uuid)
        found = [Tree(top, uuid)]
        if default.objectid != system.fs_tree.objectid:
            found.insert(
                0, Tree(Node(default.root, "btrfs"), uuid, boot_root=top, name=default.path)
            )
    for name in _SUBVOLUMES:
        node = top.child(name)
        if node and node.kind == "folder" and name not in [tree.name for tree in found]:
            found.append(Tree(node, uuid, boot_root=top, name=name))
    return found


def _careful_btrfs(stream: BinaryIO) -> Any:  # noqa: ANN401 - a class made of dissect's
    """Open a btrfs, refusing tree nodes without items: dissect.btrfs 1.10 loops there."""
    library_class = import_dissect("dissect.btrfs").Btrfs

    def read_node(system: object, address: int) -> bytes:
        node = bytes(library_class._read_node(system, address))
        if not any(node[_ITEM_COUNT]):
            raise UnreadableError("a tree node without items")
        return node

    return type("CarefulBtrfs", (library_class,), {"_read_node": read_node})(stream)


_ITEM_COUNT = slice(96, 100)  # of a btrfs_header
_SUBVOLUMES = ("@", "@rootfs", "root")  # Ubuntu and SUSE, Debian, Fedora
_SYSTEMS: tuple[tuple[int, bytes, Callable[[BinaryIO], list[Tree]]], ...] = (
    (0, b"XFSB", _xfs),
    (0x10040, b"_BHRfS_M", _btrfs),
    (1024 + 56, b"\x53\xef", _ext),
)
