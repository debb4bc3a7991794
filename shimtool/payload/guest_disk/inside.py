"""Files inside a guest's disk, as the jail sees them: found, opened, and watched for change."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from shimtool.errors import ShimtoolError, fault
from shimtool.model import GuestDiskFile
from shimtool.payload.guest_disk.device import as_the_guest_sees
from shimtool.payload.guest_disk.file_systems import Node, Tree, open_trees
from shimtool.payload.guest_disk.limits import library_errors
from shimtool.payload.guest_disk.paths import find_file
from shimtool.payload.guest_disk.volumes import at_offset, volumes
from shimtool.payload.jailed.answers import UnreadableError
from shimtool.payload.jailed.raw import Raw
from shimtool.system.files import Stamp
from shimtool.system.positioned import PositionedReader

OpenDisks = tuple[tuple[Path, str], ...]  # what messages call each one, and its format

_BLOCK = 1 << 20


class Disks:
    """A guest's disks, open: the first ones of `descriptors`."""

    def __init__(self, descriptors: Sequence[int], disks: OpenDisks) -> None:
        self.raw = [
            Raw(descriptor, str(path))
            for descriptor, (path, _kind) in zip(descriptors, disks, strict=False)
        ]
        self.streams = [
            as_the_guest_sees(raw, kind) for raw, (_path, kind) in zip(self.raw, disks, strict=True)
        ]


def used_disks(disks: OpenDisks, volume: str, disk: int) -> OpenDisks:
    """Return which disks a volume needs: what is on the first needs no other, but for LVM."""
    return disks[:1] if not disk and not volume.startswith("LVM") else disks


class InsideFile(PositionedReader):
    """A file inside a disk, read forwards or anywhere; `stamp` is its inode's.

    Raises ShimtoolError where the disk cannot be read, or the file ends early.
    """

    def __init__(self, inside: GuestDiskFile, descriptors: Sequence[int]) -> None:
        super().__init__()
        self.name = f"{inside.disks[0][0]}:{inside.path}"
        with _unreadable_as_fault(self.name):
            disks = Disks(descriptors, inside.disks)
            node, tree = _node(inside, disks)
            self.stamp = _stamp(inside, tree, node)
            self.size = node.size
            self._stream: Any = node.open()

    def read_at(self, offset: int, size: int) -> bytes:
        parts = []
        with _unreadable_as_fault(self.name), library_errors("its data"):
            self._stream.seek(offset)
            while size and (data := self._stream.read(min(size, _BLOCK))):
                parts.append(data)
                size -= len(data)
            if size:
                raise UnreadableError("its data ends before it should")
        return b"".join(parts)


def open_same(inside: GuestDiskFile, descriptors: Sequence[int], stamp: Stamp) -> BinaryIO:
    """Open a file examined before; raise ShimtoolError if it is not the same any more."""
    source = InsideFile(inside, descriptors)
    if source.stamp != stamp:
        raise changed_inside(source.name)
    return cast("BinaryIO", source)


@contextmanager
def unchanged_inside(inside: GuestDiskFile, descriptors: Sequence[int]) -> Iterator[InsideFile]:
    """Open `inside`; raise ShimtoolError on leaving if the file changed meanwhile."""
    source = InsideFile(inside, descriptors)
    yield source
    open_same(inside, descriptors, source.stamp)


def _node(inside: GuestDiskFile, disks: Disks) -> tuple[Node, Tree]:
    if inside.offset is not None:
        found = [at_offset(disks.streams[0], inside.offset)]
    else:
        found = [
            volume
            for volume in volumes(disks.streams)
            if (volume.name, volume.disk) == (inside.volume, inside.disk)
        ]
    for tree in (tree for volume in found for tree in open_trees(volume.stream)):
        if tree.name == inside.subvolume and (hit := find_file(tree.root, inside.path)):
            return hit[0], tree
    raise UnreadableError("it is not there any more")


def _stamp(inside: GuestDiskFile, tree: Tree, node: Node) -> Stamp:
    """(a number of the file system; inode, size in bytes, ctime in ns).

    The number is negative, as none of dom0's is: a guest must not pass its files for dom0's.
    """
    place = repr((inside.disks, inside.volume, inside.subvolume, tree.uuid)).encode()
    return -zlib.crc32(place) - 1, *node.stamp


@contextmanager
def _unreadable_as_fault(name: str) -> Iterator[None]:
    try:
        yield
    except UnreadableError as error:
        raise fault(
            f"cannot read {name} in the guest's disk: {error}",
            name,
            remedy="shut the guest down, check its file system, then try again",
        ) from None


def changed_inside(name: str) -> ShimtoolError:
    """Build the error for a file that is not what was read of it before."""
    return fault(
        f"{name} changed while it was being read",
        name,
        remedy="shut the guest down, then try again",
    )
