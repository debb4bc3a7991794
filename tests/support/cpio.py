"""A newc cpio archive from a dict: initramfs images without a tree on disk."""

import gzip
import stat
from collections.abc import Mapping
from pathlib import PurePosixPath

DIRECTORY, PROGRAM, PLAIN = stat.S_IFDIR | 0o755, stat.S_IFREG | 0o755, stat.S_IFREG | 0o644


def _record(number: int, name: str, mode: int, data: bytes) -> bytes:
    """Return one newc record: header, name and data, each padded to 4 bytes."""
    label = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(label), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + label
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def archive(files: Mapping[str, bytes], programs: frozenset[str] = frozenset()) -> bytes:
    """Pack `files` (relative path: content); the folders above them come first."""
    folders = {
        str(parent)
        for name in files
        for parent in PurePosixPath(name).parents
        if str(parent) != "."
    }
    entries = [(name, DIRECTORY, b"") for name in sorted(folders)]
    entries += [
        (name, PROGRAM if name in programs else PLAIN, data) for name, data in files.items()
    ]
    records = [_record(i, *entry) for i, entry in enumerate(entries, 1)]
    return b"".join(records) + _record(0, "TRAILER!!!", 0, b"")


def gzipped(files: Mapping[str, bytes], programs: frozenset[str] = frozenset()) -> bytes:
    """Pack `files` as one gzip member, the same bytes each time."""
    return gzip.compress(archive(files, programs), compresslevel=1, mtime=0)
