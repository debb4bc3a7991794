"""What on the disks may hold a file system, in pygrub's order: partitions, then LVM.

pygrub (4.2-4.21) takes a disk without the mark 55 AA for a file system; else the partitions of
the MBR in order, or all of the GPT where an entry stands for it; else again the whole disk. Under
Python 2 it looks at the active partition first; under Python 3 (seen: Debian's 4.17) it compares
bytes with text there and does not. It knows the first disk only, no LVM, no logical partitions.
"""

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, cast

from shimtool.deferred import dataclass
from shimtool.payload.guest_disk.limits import import_dissect, library_errors
from shimtool.payload.jailed.answers import UnreadableError

_SECTOR = 512
_ACTIVE = 0x80
_NAME = 200  # characters of a volume's; LVM takes 127 for each of the two
_MOST = 256  # partitions that are looked at; a GPT usually has room for 128
_MOST_ENTRIES = 4096  # of a GPT, used or not; Linux's tools make 128
_LVM_LABEL = b"LABELONE"


@dataclass(frozen=True, slots=True)
class Volume:
    """A range of bytes with a name: "" (the disk), "partition 2", "LVM vg/root"; `disk` is its

    place in the guest's list. `plain`: pygrub would look there, too.
    """

    name: str
    stream: BinaryIO
    disk: int = 0
    plain: bool = True
    active: bool = False
    offset: int | None = None  # bytes from the disk's start, of a partition


def volumes(disks: Sequence[BinaryIO]) -> Iterator[Volume]:
    """Yield all volumes, what pygrub looks at first; damaged tables yield what can be read."""
    found = [list(_of_disk(disk, number)) for number, disk in enumerate(disks)]
    yield from found[0]
    for others in found[1:]:
        yield from others
    yield from _logical([volume for each in found for volume in each])


def at_offset(disk: BinaryIO, offset: int) -> Volume:
    """Return what begins at `offset` bytes (pygrub's --offset)."""
    return Volume(f"at byte {offset}" if offset else "", _part(disk, offset, _size(disk) - offset))


def _of_disk(disk: BinaryIO, number: int) -> Iterator[Volume]:
    whole = Volume("", disk, number, plain=not number)
    with library_errors("its first sector"):
        disk.seek(0)
        marked = disk.read(_SECTOR)[510:] == b"\x55\xaa"
    if not marked:
        yield whole
        return
    try:
        with library_errors("partition table"):
            _refuse_long_table(disk)
            disk.seek(0)
            table = import_dissect("dissect.volume.disk").Disk(disk)
    except UnreadableError:
        yield whole  # the mark of a boot loader in front of a file system
        return
    for each, name, plain in _named(table):
        # (the library leaves out a GPT partition's last sector)
        stream = _part(disk, each.offset, each.size + _SECTOR)
        active = plain and isinstance(each.type, int) and each.flags == _ACTIVE
        yield Volume(name, stream, number, plain and not number, active, each.offset)
    if not table.partitions:
        yield whole


def _refuse_long_table(disk: BinaryIO) -> None:
    """Refuse a GPT whose header says that it is longer than any (UEFI 2.10, 5.3.2)."""
    for sector in (_SECTOR, 4096):
        disk.seek(sector)
        header = disk.read(_SECTOR)
        entries = int.from_bytes(header[80:84], "little")
        if header.startswith(b"EFI PART") and entries > _MOST_ENTRIES:
            raise UnreadableError(f"a table of {entries} partitions")


def _named(table: Any) -> list[tuple[Any, str, bool]]:  # noqa: ANN401 - dissect's types
    """List (partition, name, whether pygrub sees it): logical ones last."""
    first: list[tuple[Any, str, bool]] = []
    logical: list[tuple[Any, str, bool]] = []
    for each in table.partitions[:_MOST]:
        if isinstance(each.type, int) and each.offset != each.raw.sector_ofs * _SECTOR:
            logical.append((each, f"partition {5 + len(logical)}", False))  # offset of a chain
        else:
            first.append((each, f"partition {each.number}", True))
    return first + logical


def _part(disk: BinaryIO, offset: int, length: int) -> BinaryIO:
    length = max(0, min(length, _size(disk) - offset))
    return cast("BinaryIO", import_dissect("dissect.util.stream").RangeStream(disk, offset, length))


def _size(disk: BinaryIO) -> int:
    return int(cast("Any", disk).size)


# --- LVM ------------------------------------------------------------------------------------------


def _logical(found: Sequence[Volume]) -> Iterator[Volume]:
    """Yield the logical volumes of the volume groups on `found`."""
    groups: dict[str, list[tuple[Any, int]]] = {}
    for volume in found:
        try:
            if device := _physical(volume.stream):
                groups.setdefault(_group(device), []).append((device, volume.disk))
        except UnreadableError as error:
            yield _unread(f"LVM on {volume.name or 'the disk'}", error, volume.disk)
    # A physical volume may hold no description of its group: it belongs to the one that names it.
    strays = [device for device, _disk in groups.pop("", [])]
    for members in groups.values():
        yield from _of_group([device for device, _disk in members] + strays, members[0][1])


def _physical(stream: BinaryIO) -> Any:  # noqa: ANN401 - dissect's types are not ours
    """Return the physical volume that `stream` is, or None. Raises UnreadableError."""
    with library_errors("LVM"):
        stream.seek(0)
        if _LVM_LABEL not in [stream.read(_SECTOR)[:8] for _sector in range(4)]:
            return None
        device = import_dissect("dissect.volume.lvm.physical").LVM2Device(stream)
        return device if device.metadata is None or _group(device) else None


def _group(device: Any) -> str:  # noqa: ANN401 - dissect's types are not ours
    groups = [value for value in (device.metadata or {}).values() if isinstance(value, dict)]
    return str(groups[0]["id"]) if len(groups) == 1 else ""


def _of_group(devices: list[Any], disk: int) -> Iterator[Volume]:
    try:
        with library_errors("LVM"):
            group = import_dissect("dissect.volume.lvm").LVM2(devices).vg
            for logical in group.lv[:_MOST]:
                if "VISIBLE" in logical.status:
                    name = re.sub("[^a-zA-Z0-9+_.-]", "?", f"{group.name}-{logical.name}")[:_NAME]
                    yield Volume(f"LVM {name}", _opened(logical), disk, plain=False)
    except UnreadableError as error:
        yield _unread("LVM", error, disk)


class _Unread(io.RawIOBase):
    """Stands for a volume that is not read, and says why where it is looked at."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self._why = why

    def seek(self, _offset: int, _whence: int = 0, /) -> int:
        raise UnreadableError(self._why)


def _unread(name: str, why: UnreadableError, disk: int) -> Volume:
    return Volume(name, cast("BinaryIO", _Unread(str(why))), disk, plain=False)


def _opened(logical: Any) -> BinaryIO:  # noqa: ANN401 - dissect's types are not ours
    """Open a linear or thin volume."""
    try:
        with library_errors("LVM"):
            if kind := _unread_kind(logical):
                raise UnreadableError(f"LVM volumes that are linear or thin are read, not {kind}")
            return cast("BinaryIO", logical.open())
    except UnreadableError as error:
        return cast("BinaryIO", _Unread(str(error)))


def _unread_kind(logical: Any) -> str:  # noqa: ANN401 - as above
    """Return the first kind of segment that is not linear, or thin on a linear pool; "" if none.

    The library takes the stripes of a striped segment one after the other, and follows mirrors of
    mirrors for ever.
    """
    volumes_by_name = logical.vg.logical_volumes
    pending = list(logical.segments)
    for segment in pending:  # which grows by what a pool lies on
        if segment.type == "thin" and segment in logical.segments:
            pool = volumes_by_name[segment.thin_pool].segments[0]
            if pool.type != "thin-pool":
                return str(pool.type)
            for part in (pool.metadata, pool.pool):
                pending += volumes_by_name[part].segments
        elif segment.type not in ("linear", "striped") or segment.stripe_count != 1:
            return str(segment.type)
    return ""
