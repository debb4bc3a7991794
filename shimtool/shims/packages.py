"""Find xen-shim in what people have: an ELF, .gz, .deb, .rpm or .apk, told apart by content."""

import gzip
import io
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from shimtool.deferred import dataclass
from shimtool.errors import ShimtoolError, fault
from shimtool.shims import archives
from shimtool.shims.archives import BadPackageError, Member
from shimtool.shims.probe import SHIM_LIMIT
from shimtool.system.files import MIB, open_named, too_large
from shimtool.text import printable

SHIM_NAMES = ("xen-shim", "xen-shim.gz", "xen-vixen", "xen-vixen.gz")
MOST_SHIMS = 8
FILE_LIMIT = 512 * MIB
METADATA_LIMIT = MIB
ELF_MAGIC = b"\x7fELF"
GZIP_MAGIC = b"\x1f\x8b"
_MOST_WORDS = 300  # characters of what a package says of itself
AR_MAGIC = b"!<arch>\n"
RPM_MAGIC = b"\xed\xab\xee\xdb"


@dataclass(frozen=True, slots=True)
class Package:
    """What a package says of itself: its format, name, full version and vendor ("debian")."""

    format: str
    name: str
    version: str
    vendor: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be a shim, unpacked, and the `member` of `package` that it was."""

    file: Path
    source: Path
    member: str | None = None
    package: Package | None = None

    @property
    def origin(self) -> str:
        """Say in words where it comes from, without paths of this machine."""
        if (pack := self.package) is None:
            return _short(self.source.name)
        words = f"{pack.name} {pack.version} ({pack.vendor} .{pack.format}), {self.member}"
        return _short(words)

    @property
    def shown(self) -> str:
        """Return what errors call the file."""
        return f"{self.source}: {_short(self.member)}" if self.member else str(self.source)


def extract(path: Path, folder: Path) -> tuple[Candidate, ...]:
    """Return the candidates in a file; what needs unpacking goes to new files in `folder`.

    A bare ELF is its own candidate. Raises ShimtoolError when the file is none of the formats,
    is damaged, is larger or unpacks to more than 512 MiB (64 MiB for a shim, 256 MiB for an
    .rpm), or holds no xen-shim.
    """
    with open_named(path) as file, _package_faults(path):
        if os.fstat(file.fileno()).st_size > FILE_LIMIT:
            raise too_large(path, FILE_LIMIT)
        head = file.read(8)
        file.seek(0)
        if head.startswith(ELF_MAGIC):
            return (Candidate(path, path),)
        if head.startswith(GZIP_MAGIC) and (shim := _zipped_shim(file)):
            return (Candidate(_store(folder, 0, shim), path),)
        package, members = _open(path, file, head)
        found = tuple(
            Candidate(_store(folder, number, content), path, name, package)
            for number, (name, content) in enumerate(_shims(members))
        )
    if not found:
        raise fault(
            "no xen-shim in this package",
            path,
            seen=f"{package.name} {package.version}",
            remedy="give the package that holds xen-shim in a folder xen*/boot "
            "(Debian: xen-utils-VERSION)",
        )
    return found


@contextmanager
def _package_faults(path: Path) -> Iterator[None]:
    """Turn all that the libraries raise on bad bytes into a ShimtoolError about `path`."""
    try:
        yield
    except ShimtoolError:
        raise
    except Exception as error:  # noqa: BLE001 - from assertions to RecursionError
        if isinstance(error, OSError) and error.errno:  # bad data has none
            raise fault(f"cannot read or unpack the file: {error.strerror}", path) from None
        raise fault(
            f"damaged or not a package: {_short(str(error)) or type(error).__name__}",
            path,
            remedy="copy or download it again, and compare its checksum with the publisher's",
        ) from None


def _open(path: Path, file: BinaryIO, head: bytes) -> tuple[Package, Iterator[Member]]:
    if head == AR_MAGIC:  # not "!<thin>", whose members arpy would open by their names
        return _deb(file)
    if head.startswith(RPM_MAGIC):
        return _rpm(path, file)
    if head.startswith(GZIP_MAGIC):
        return _apk(file)
    raise fault(
        "neither an ELF file nor a .gz, .deb, .rpm or .apk",
        path,
        seen=f"first bytes {head.hex(' ')}",
        remedy="give xen-shim itself or the package that holds it",
    )


def _shims(members: Iterator[Member]) -> Iterator[tuple[str, bytes]]:
    """Yield name and unzipped content of the members that are named like a shim."""
    # An RPM stores a hard-linked file's content with one of its names only.
    named = (m for m in members if PurePosixPath(m.name).name in SHIM_NAMES and m.size)
    for number, member in enumerate(named):
        if number == MOST_SHIMS:
            raise BadPackageError(f"more than {MOST_SHIMS} files named xen-shim")
        content = member.read(SHIM_LIMIT)
        zipped = content.startswith(GZIP_MAGIC)
        yield member.name, _unzipped(io.BytesIO(content)) if zipped else content


def _store(folder: Path, number: int, content: bytes) -> Path:
    target = folder / f"candidate-{number}"
    with target.open("xb") as out:
        out.write(content)
    return target


def _zipped_shim(file: BinaryIO) -> bytes | None:
    """Return the ELF file that a .gz holds; None when it holds something else."""
    is_elf = gzip.GzipFile(fileobj=file).read(len(ELF_MAGIC)) == ELF_MAGIC
    file.seek(0)
    return _unzipped(file) if is_elf else None


def _unzipped(file: BinaryIO) -> bytes:
    content = gzip.GzipFile(fileobj=file).read(SHIM_LIMIT + 1)
    if len(content) > SHIM_LIMIT:
        raise BadPackageError(f"unzipped it is larger than {SHIM_LIMIT // MIB} MiB")
    return content


def _deb(file: BinaryIO) -> tuple[Package, Iterator[Member]]:
    fields = _metadata(archives.deb_members(file, b"control.tar"), "control", ": ")
    if fields is None:
        raise BadPackageError("an ar archive without control.tar, or no control file in it")
    version = fields.get("Version", "unknown")
    vendor = "ubuntu" if "ubuntu" in version else "debian"
    package = Package("deb", fields.get("Package", "unknown"), version, vendor)
    return package, archives.deb_members(file, b"data.tar")


def _apk(file: BinaryIO) -> tuple[Package, Iterator[Member]]:
    """apk-package(5), version 2: signature, .PKGINFO and scripts, files; gzip'd one by one."""
    if gzip.GzipFile(fileobj=file).read(512)[257:262] != b"ustar":
        raise BadPackageError("gzip-compressed, but neither an ELF file nor an .apk")
    fields = _metadata(archives.tar_members(archives.unpacked(file)), ".PKGINFO", " = ")
    if fields is None:
        raise BadPackageError("a tar archive without .PKGINFO, so no .apk; unpack it yourself")
    name, version = fields.get("pkgname", "unknown"), fields.get("pkgver", "unknown")
    package = Package("apk", name, version, "alpine")
    return package, archives.tar_members(archives.unpacked(file))


def _rpm(path: Path, file: BinaryIO) -> tuple[Package, Iterator[Member]]:
    rpm = archives.open_rpm(file)
    tags = {
        tag: value.decode("utf-8", "replace")
        for tag, value in rpm.headers.items()
        if isinstance(value, bytes)
    }
    packing = tags.get("archive_compression", "none")
    if packing not in archives.RPM_PACKINGS:
        raise fault(
            f"cannot read an .rpm with a payload of this compression: {_short(packing)}",
            path,
            remedy=f"unpack it (rpm2cpio {shlex.quote(path.name)} | cpio -id), "
            "then give the xen-shim in it",
        )
    version = "-".join(tags[tag] for tag in ("version", "release") if tags.get(tag))
    vendor = tags.get("vendor", "").split(" ")[0].strip(",.").lower()
    vendor = vendor if vendor.isascii() and vendor.isalnum() else "rpm"
    package = Package("rpm", tags.get("name", "unknown"), version, vendor)
    return package, archives.rpm_members(rpm, file, packing)


def _metadata(members: Iterator[Member], name: str, separator: str) -> dict[str, str] | None:
    """Read the "Key: value" lines of a package's own file; unprintable ones do not count."""
    for member in members:
        if member.name == name:
            lines = member.read(METADATA_LIMIT).decode("utf-8", "replace").splitlines()
            pairs = (line.partition(separator) for line in lines if line.isprintable())
            return {key: value.strip() for key, mark, value in pairs if mark}
    return None


def _short(words: str) -> str:
    """Make a package's own words fit for a line of a terminal and of the catalogue."""
    return printable(words, _MOST_WORDS)
