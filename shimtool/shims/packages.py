"""Find xen-shim in what people have: an ELF, .gz, .deb, .rpm or .apk, told apart by content."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from shimtool.errors import fault
from shimtool.shims import rpm
from shimtool.shims.archives import AR_MAGIC, Member, ar_members, cpio_members, tar_members
from shimtool.shims.files import MIB, SHIM_LIMIT, open_regular
from shimtool.shims.streams import (
    BadPackageError,
    BoundedReader,
    decompressed,
    package_faults,
)

SHIM_NAMES = ("xen-shim", "xen-shim.gz")
MOST_SHIMS = 8
METADATA_LIMIT = MIB
ELF_MAGIC = b"\x7fELF"
GZIP_MAGIC = b"\x1f\x8b"


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
            return _printable(self.source.name)
        words = f"{pack.name} {pack.version} ({pack.vendor} .{pack.format}), {self.member}"
        return _printable(words)

    @property
    def shown(self) -> str:
        """Return what errors call the file."""
        return f"{self.source}: {_printable(self.member)}" if self.member else str(self.source)


def extract(path: Path, folder: Path) -> tuple[Candidate, ...]:
    """Return the candidates in a file; what needs unpacking goes to new files in `folder`.

    A bare ELF is its own candidate. Raises ShimtoolError when the file is none of the formats,
    is damaged, unpacks to more than 512 MiB (64 MiB for a shim), or holds no xen-shim.
    """
    with open_regular(path) as file, package_faults(path):
        head = file.read(8)
        file.seek(0)
        box = _Box(path, folder)
        if head.startswith(ELF_MAGIC):
            return (Candidate(path, path),)
        if head == AR_MAGIC:
            return _deb(file, box)
        if head.startswith(rpm.MAGIC):
            return _rpm(file, box)
        if head.startswith(GZIP_MAGIC):
            return _gzip(file, box)
    raise fault(
        "neither an ELF file nor a .gz, .deb, .rpm or .apk",
        path,
        seen=f"first bytes {head.hex(' ')}",
        remedy="give xen-shim itself or the package that holds it",
    )


@dataclass(slots=True)
class _Box:
    """Where unpacked candidates of one file go."""

    source: Path
    folder: Path
    found: list[tuple[Path, str]] = field(default_factory=list)

    def store(self, reader: BoundedReader, blocks: Iterator[bytes], name: str) -> None:
        """Keep one candidate; `name` is its name in the package, never used as a path."""
        if len(self.found) == MOST_SHIMS:
            raise BadPackageError(f"more than {MOST_SHIMS} files named xen-shim")
        target = self.folder / f"candidate-{len(self.found)}"
        start = reader.position
        with target.open("xb") as out:
            for data in blocks:
                out.write(data)
                if reader.position - start > SHIM_LIMIT:
                    raise BadPackageError(f"{name} is larger than {SHIM_LIMIT // MIB} MiB")
        self.found.append((target, name))

    def take(self, reader: BoundedReader, members: Iterator[Member]) -> None:
        """Keep the members that are named like a shim."""
        for member in members:
            # An RPM stores a hard-linked file's content with one of its names only.
            if Path(member.name).name in SHIM_NAMES and member.size:
                self.store(reader, reader.blocks(member.size), member.name)

    def candidates(self, package: Package) -> tuple[Candidate, ...]:
        """Return what was kept, unzipped."""
        if not self.found:
            raise fault(
                "no xen-shim in this package",
                self.source,
                seen=f"{package.name} {package.version}",
                remedy="give the package that holds xen-shim in a folder xen*/boot "
                "(Debian: xen-utils-VERSION)",
            )
        return tuple(
            Candidate(_unzipped(file), self.source, member, package) for file, member in self.found
        )


def _deb(file: BinaryIO, box: _Box) -> tuple[Candidate, ...]:
    """deb(5): members debian-binary, control.tar.*, data.tar.*."""
    package = None
    for name, content in ar_members(file):
        if name.startswith("control.tar"):
            package = _deb_control(decompressed(content))
        elif name.startswith("data.tar"):
            reader = decompressed(content)
            box.take(reader, tar_members(reader))
    if package is None:
        raise BadPackageError("an ar archive without control.tar")
    return box.candidates(package)


def _deb_control(reader: BoundedReader) -> Package:
    for member in tar_members(reader):
        if member.name == "control":
            fields = _fields(_metadata(reader, member), ": ")
            version = fields.get("Version", "unknown")
            vendor = "ubuntu" if "ubuntu" in version else "debian"
            return Package("deb", fields.get("Package", "unknown"), version, vendor)
    raise BadPackageError("no control file in control.tar")


def _rpm(file: io.BufferedReader, box: _Box) -> tuple[Candidate, ...]:
    tags = rpm.read_tags(file)
    reader = decompressed(file)
    box.take(reader, cpio_members(reader))
    version = "-".join(tags[tag] for tag in ("version", "release") if tags.get(tag))
    vendor = tags.get("vendor", "").split(" ")[0].strip(",.").lower()
    vendor = vendor if vendor.isascii() and vendor.isalnum() else "rpm"
    return box.candidates(Package("rpm", tags.get("name", "unknown"), version, vendor))


def _gzip(file: io.BufferedReader, box: _Box) -> tuple[Candidate, ...]:
    """Unzip: a bare shim, or an .apk, which is gzip'd tar streams one after the other."""
    probe = decompressed(file, METADATA_LIMIT)
    start = probe.read(512)
    file.seek(0)
    if start.startswith(ELF_MAGIC):
        reader = decompressed(file)
        box.store(reader, iter(_reading(reader)), box.source.name)
        return (Candidate(box.found[0][0], box.source),)
    if start[257:262] == b"ustar":
        return _apk(decompressed(file), box)
    raise BadPackageError("gzip-compressed, but neither an ELF file nor an .apk")


def _apk(reader: BoundedReader, box: _Box) -> tuple[Candidate, ...]:
    """apk-package(5), version 2: signature, then .PKGINFO and scripts, then the files."""
    package = None

    def files() -> Iterator[Member]:
        nonlocal package
        for member in tar_members(reader):
            if member.name == ".PKGINFO" and package is None:
                fields = _fields(_metadata(reader, member), " = ")
                name, version = fields.get("pkgname"), fields.get("pkgver")
                package = Package("apk", name or "unknown", version or "unknown", "alpine")
            yield member

    box.take(reader, files())
    if package is None:
        raise BadPackageError("a tar archive without .PKGINFO, so no .apk; unpack it yourself")
    return box.candidates(package)


def _metadata(reader: BoundedReader, member: Member) -> str:
    if member.size > METADATA_LIMIT:
        raise BadPackageError(f"its {member.name} is of impossible size")
    return reader.exactly(member.size).decode("utf-8", "replace")


def _fields(lines: str, separator: str) -> dict[str, str]:
    """Read "Key: value" lines; unprintable ones do not count."""
    pairs = (line.partition(separator) for line in lines.splitlines() if line.isprintable())
    return {key: value.strip() for key, mark, value in pairs if mark}


def _printable(words: str) -> str:
    """Make a stranger's words fit for a line of a terminal and of the catalogue."""
    return "".join(char if char.isprintable() else "?" for char in words[:300])


def _reading(reader: BoundedReader) -> Iterator[bytes]:
    while data := reader.read(MIB):
        yield data


def _unzipped(file: Path) -> Path:
    """Return the file, or its unzipped form if it is gzip-compressed."""
    with file.open("rb") as packed:
        if not packed.peek(2).startswith(GZIP_MAGIC):
            return file
        target = file.with_suffix(".unzipped")
        reader = decompressed(packed, SHIM_LIMIT)
        with target.open("xb") as out:
            for data in _reading(reader):
                out.write(data)
    return target
