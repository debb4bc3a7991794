"""Tell a PV shim by its bytes: what it is, which containers it serves, its version."""

import hashlib
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shimtool.errors import ShimtoolError, fault
from shimtool.model import Mode
from shimtool.shims.elf32 import BadELFError, Note, notes, segments
from shimtool.shims.files import SHIM_LIMIT, read_regular
from shimtool.shims.known import Kind, Known, find_known

GUEST_OS = 6  # Xen's public/elfnote.h: only guest kernels say which system they are
PHYS32_ENTRY = 18  # the same header: the entry point of a PVH guest
NT_GNU_BUILD_ID = 3
MULTIBOOT1 = 0x1BADB002
MULTIBOOT1_AREA = 8192  # Multiboot 0.6.96, section 3.1: within the first 8192 bytes
# Part of the words a shim logs when it asks its host for the xenstore page (4.10 to 4.17).
SHIM_MARK = b"HVM_PARAM_STORE_PFN"
# A whole C string that is a Xen version: Debian's build has it so. 4.9 was Vixen's.
FULL_VERSION = re.compile(rb"\0(4\.(?:9|[1-9]\d)\.\d{1,3}(?:[+~.-][0-9A-Za-z.+~-]{1,80})?)(?=\0)")
# What people give by mistake, by its first bytes.
LOOKALIKES = (
    (b"\x1f\x8b", "gzip-compressed"),
    (b"\xfd7zXZ\0", "xz-compressed"),
    (b"BZh", "bzip2-compressed"),
    (b"\x28\xb5\x2f\xfd", "zstd-compressed"),
    (b"!<arch>\n", "a Debian package or an archive"),
    (b"\xed\xab\xee\xdb", "an RPM package"),
    (b"MZ", "a Linux bzImage or an EFI program"),
)
TRY_ADD = "give xen-shim as an ELF file; `shimtool shims add` also unpacks .gz, .deb, .rpm and .apk"


@dataclass(frozen=True, slots=True)
class ProbedShim:
    """What a shim's binary tells, `size` in bytes.

    `version` is Xen's ("4.17.7"), None when not certain; `name` is that of a known build.
    """

    size: int
    sha256: str
    build_id: str | None
    version: str | None
    modes: frozenset[Mode]
    kind: Kind
    name: str | None = None


def probe(path: Path, known: Iterable[Known] = (), shown: Path | str | None = None) -> ProbedShim:
    """Identify the PV shim in a file.

    PVH needs Xen's ELF note PHYS32_ENTRY, HVM a multiboot1 header (mboot.c32 reads that one).
    A build that `known` lists is taken at its word there. Raises ShimtoolError for anything
    else than a whole, 32-bit x86 PV shim, saying what it is instead; `shown` is what errors call
    the file, when it is an unpacked copy.
    """
    data = read_regular(path, SHIM_LIMIT)
    place = shown or path
    try:
        found = tuple(notes(data, segments(data)))
    except BadELFError as error:
        raise _not_elf(place, data, error) from None
    digest, build_id = hashlib.sha256(data).hexdigest(), _build_id(found)
    build = find_known(known, digest, build_id)
    types = {note.type for note in found if note.owner == b"Xen"}
    if build is None or build.kind != "vixen":
        _check_shim(place, data, types)
    return ProbedShim(
        size=len(data),
        sha256=digest,
        build_id=build_id,
        version=build.version if build else _version(data),
        modes=_modes(place, data, types),
        kind=build.kind if build else "4.10-based",
        name=build.name if build else None,
    )


def xen_version(words: str) -> str | None:
    """Return the Xen version X.Y.Z at the head of a version string, if it is one with shims.

    Debian 9's packages name their shim's inside: "4.8.5.final+shim4.10.4-1+deb9u12".
    """
    match = re.search(r"\+shim(4\.\d+\.\d+)", words) or re.match(
        r"(?:\d+:)?(4\.(?:9|[1-9]\d)\.\d{1,3})(?![0-9])", words
    )
    return match[1] if match else None


def _not_elf(path: Path | str, data: bytes, error: BadELFError) -> ShimtoolError:
    for magic, what in LOOKALIKES:
        if data.startswith(magic):
            return fault(f"not a bare ELF file: {what}", path, remedy=TRY_ADD)
    return fault(error.message, path, seen=f"first bytes {data[:8].hex(' ')}", remedy=error.remedy)


def _check_shim(path: Path | str, data: bytes, types: set[int]) -> None:
    """Refuse guest kernels and ordinary hypervisors, which pass for shims at first sight."""
    if GUEST_OS in types:
        raise fault(
            "a guest kernel (Xen note GUEST_OS), not a shim",
            path,
            remedy="give xen-shim; a guest's kernel goes into its own config",
        )
    if PHYS32_ENTRY not in types and _multiboot1(data):
        raise fault(
            "an ordinary Xen hypervisor: multiboot header, but no Xen note PHYS32_ENTRY",
            path,
            remedy="give xen-shim, which Xen's packages have in a folder xen*/boot; "
            "a Vixen build must be listed in known.yaml by its sha256",
        )
    if SHIM_MARK not in data:
        raise fault(
            "no code of Xen's PV shim in it",
            path,
            remedy="give xen-shim, built by Xen 4.10.1 or later with CONFIG_PV_SHIM",
        )


def _modes(path: Path | str, data: bytes, types: set[int]) -> frozenset[Mode]:
    modes = {Mode.PVH} if PHYS32_ENTRY in types else set()
    if _multiboot1(data):
        modes.add(Mode.HVM)
    if not modes:
        raise fault(
            "bootable neither under PVH (no Xen note PHYS32_ENTRY) "
            "nor under HVM (no multiboot1 header)",
            path,
            remedy="give another build of xen-shim",
        )
    return frozenset(modes)


def _multiboot1(data: bytes) -> bool:
    """Look for a header with a right checksum, as a boot loader does."""
    area = data[:MULTIBOOT1_AREA]
    words: Iterator[tuple[int, int, int]] = (
        struct.unpack_from("<III", area, at) for at in range(0, len(area) - 11, 4)
    )
    return any(word[0] == MULTIBOOT1 and sum(word) & 0xFFFFFFFF == 0 for word in words)


def _build_id(found: Iterable[Note]) -> str | None:
    """Return the GNU build-id as hexadecimal digits; only a SHA-1 sized one is of use."""
    ids = (n.data for n in found if n.owner == b"GNU" and n.type == NT_GNU_BUILD_ID)
    return next((data.hex() for data in ids if len(data) == 20), None)


def _version(data: bytes) -> str | None:
    """Return the version if exactly one is in the data, else None: a wrong one misleads."""
    found = {xen_version(match.decode("ascii")) for match in FULL_VERSION.findall(data)}
    return found.pop() if len(found) == 1 else None
