"""Walk ar, tar and cpio archives forward, in bounded memory, writing nothing by their names.

Python's tarfile reads long-name records whole, however long they say they are, and rpmfile
whole payloads; these few lines do not.
"""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from shimtool.shims.streams import BadPackageError, BoundedReader, Window

AR_MAGIC = b"!<arch>\n"
AR_HEADER = 60
TAR_BLOCK = 512
# POSIX.1 pax: links, devices, folders and pipes have no data, whatever their size field says.
DATALESS = (
    tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE,
    tarfile.DIRTYPE, tarfile.FIFOTYPE,
)  # fmt: skip
CPIO_HEADER = 110
CPIO_NAME_LIMIT = 4096
CPIO_END = "TRAILER!!!"
MOST_AR_MEMBERS = 32


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in an archive, its `size` in bytes; `name` has no leading "./" or "/".

    Until the next one is asked for, its content is what the archive's reader gives next.
    """

    name: str
    size: int


def ar_members(file: BinaryIO) -> Iterator[tuple[str, io.BufferedReader]]:
    """Yield each member's name and content (deb(5): the format of Unix ar, short names)."""
    at = len(AR_MAGIC)
    for _ in range(MOST_AR_MEMBERS):
        file.seek(at)
        header = file.read(AR_HEADER)
        if len(header) < AR_HEADER:
            return
        digits = header[48:58].strip()
        if header[58:] != b"`\n" or not digits.isdigit():
            raise BadPackageError("a member's header is not one of ar")
        name = header[:16].rstrip(b" ").rstrip(b"/").decode("ascii", "replace")
        size = int(digits)
        yield name, io.BufferedReader(Window(file, at + AR_HEADER, size))
        at += AR_HEADER + size + size % 2


def tar_members(reader: BoundedReader) -> Iterator[Member]:
    """Yield the regular files of a tar stream; several archives one after the other are one.

    Names of more than 255 bytes (extra records) come cut short: no shim has such a path.
    """
    while block := reader.read(TAR_BLOCK):
        if len(block) < TAR_BLOCK:
            raise BadPackageError("it ends too early")
        if not block.strip(b"\0"):
            continue
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise BadPackageError(f"not a tar header: {error}") from None
        if info.size < 0:
            raise BadPackageError("a member of negative size")
        if info.type in DATALESS:
            continue
        end = reader.position + info.size + -info.size % TAR_BLOCK
        if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            yield Member(info.name.removeprefix("./").lstrip("/"), info.size)
        reader.skip_to(end)


def cpio_members(reader: BoundedReader) -> Iterator[Member]:
    """Yield the regular files of a "newc" cpio stream, the payload of an RPM."""
    while True:
        header = reader.exactly(CPIO_HEADER)
        if header[:6] not in (b"070701", b"070702"):
            raise BadPackageError("not a newc cpio header")
        try:
            fields = [int(header[at : at + 8], 16) for at in range(6, CPIO_HEADER, 8)]
        except ValueError:
            raise BadPackageError("not a newc cpio header") from None
        mode, size, name_size = fields[1], fields[6], fields[11]
        if min(fields) < 0 or not 0 < name_size <= CPIO_NAME_LIMIT:
            raise BadPackageError("a cpio member with an impossible name")
        raw = reader.exactly(name_size + -(CPIO_HEADER + name_size) % 4)
        name = raw[: name_size - 1].decode("utf-8", "surrogateescape")
        if name == CPIO_END:
            return
        end = reader.position + size + -size % 4
        if mode & 0o170000 == 0o100000:
            yield Member(name.removeprefix("./").lstrip("/"), size)
        reader.skip_to(end)
