"""Files inside a guest's disk, opened like any other: hashed, copied, and watched for change."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from shimtool.errors import Location, ShimtoolError, fault
from shimtool.model import GuestDiskFile
from shimtool.payload.guest_disk.device import Raw, open_disk
from shimtool.payload.guest_disk.file_systems import Node, Tree, open_trees
from shimtool.payload.guest_disk.limits import (
    READ_SECONDS,
    Budget,
    UnreadableError,
    library_errors,
)
from shimtool.payload.guest_disk.paths import find_file
from shimtool.payload.guest_disk.volumes import at_offset, volumes
from shimtool.system.files import Stamp
from shimtool.system.positioned import PositionedReader

_BLOCK = 1 << 20


class Disks:
    """A guest's disks, open; to be closed. `budget` is what reading them may cost."""

    def __init__(self, disks: Sequence[tuple[Path, str]], where: Location | None = None) -> None:
        self.budget = Budget()
        self.streams: list[BinaryIO] = []
        self.raw: list[Raw] = []
        self._open = ExitStack()
        with ExitStack() as stack:
            for path, kind in disks:
                stream, raw = open_disk(path, kind, self.budget, where or Location(path))
                stack.callback(raw.close)
                self.streams.append(stream)
                self.raw.append(raw)
            self._open = stack.pop_all()

    def close(self) -> None:
        """Close them all."""
        self._open.close()

    def __enter__(self) -> "Disks":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class InsideFile(PositionedReader):
    """A file inside a disk, read forwards or anywhere; `stamp` is its inode's.

    Raises ShimtoolError where the disk cannot be read, or the file ends early.
    """

    def __init__(self, inside: GuestDiskFile) -> None:
        super().__init__()
        self.name = f"{inside.disks[0][0]}:{inside.path}"
        self._disks = Disks(inside.disks)
        try:
            with _unreadable_as_fault(self.name):
                node, tree = _node(inside, self._disks)
                self.stamp = _stamp(inside, tree, node, self._disks)
                self.size = node.size
                self._stream: Any = node.open()
        except BaseException:
            self._disks.close()
            raise
        self._disks.budget.restart(READ_SECONDS)

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

    def close(self) -> None:
        if not self.closed and hasattr(self, "_disks"):
            self._disks.close()
        super().close()


def open_inside(inside: GuestDiskFile) -> InsideFile:
    """Open such a file. Raises ShimtoolError, naming disk and path."""
    return InsideFile(inside)


def open_again(inside: GuestDiskFile, stamp: Stamp) -> BinaryIO:
    """Open a file examined before; raise ShimtoolError if it is not the same any more."""
    source = open_inside(inside)
    if source.stamp != stamp:
        source.close()
        raise _changed(source.name)
    return cast("BinaryIO", source)


@contextmanager
def unchanged_inside(inside: GuestDiskFile) -> Iterator[tuple[BinaryIO, Stamp]]:
    """Open `inside`; raise ShimtoolError on leaving if the file changed meanwhile."""
    with open_inside(inside) as source:
        yield cast("BinaryIO", source), source.stamp
        with open_inside(inside) as again:
            if again.stamp != source.stamp:
                raise _changed(source.name)


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


def _stamp(inside: GuestDiskFile, tree: Tree, node: Node, disks: Disks) -> Stamp:
    """(which file system of which device, as a number; inode, size in bytes, ctime in ns)."""
    place = repr(
        ([raw.identity for raw in disks.raw], inside.volume, inside.subvolume, tree.uuid)
    ).encode()
    device = int.from_bytes(hashlib.sha256(place).digest()[:7], "little")
    return device, *node.stamp


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


def _changed(name: str) -> ShimtoolError:
    return fault(
        f"{name} changed while it was being read",
        name,
        remedy="shut the guest down, then try again",
    )
