"""Tell a PV shim by its bytes: what it is, which containers it serves, its version."""

import re
import struct
from collections.abc import Iterable
from pathlib import Path

from shimtool.deferred import dataclass, regex
from shimtool.errors import fault
from shimtool.model import Mode, Shim, ShimKind
from shimtool.shims.known import Known, find_known
from shimtool.system.digests import sha256
from shimtool.system.files import MIB, read_named

SHIM_LIMIT = 64 * MIB  # the largest shim seen is 6.4 MB, with its symbols
GUEST_OS = 6  # Xen's public/elfnote.h: only guest kernels say which system they are
PHYS32_ENTRY = 18  # the same header: the entry point of a PVH guest
MULTIBOOT1 = 0x1BADB002
MULTIBOOT1_AREA = 8192  # Multiboot 0.6.96, section 3.1: within the first 8192 bytes
# Part of the words a shim logs when it asks its host for the xenstore page (4.10 to 4.17).
SHIM_MARK = b"HVM_PARAM_STORE_PFN"
# What a Vixen says when it finds itself under Xen (read in its source); no other Xen has it.
VIXEN_MARK = b"Vixen running under Xen"
# A whole C string that is a Xen version: Debian's build has it so. 4.9 was Vixen's.
FULL_VERSION = regex(rb"\0(4\.(?:9|[1-9]\d)\.\d{1,3}(?:[+~.-][0-9A-Za-z.+~-]{1,80})?)(?=\0)")


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
    kind: ShimKind
    name: str | None = None

    def shim(self, name: str, file: Path, origin: str) -> Shim:
        """Return it as a shim at hand, stored in `file`."""
        return Shim(
            name=name, file=file, size=self.size, sha256=self.sha256, build_id=self.build_id,
            version=self.version, modes=self.modes, origin=origin, kind=self.kind,
        )  # fmt: skip


def probe(
    path: Path,
    known: Iterable[Known] = (),
    shown: Path | str | None = None,
    vouched: ShimKind | None = None,
) -> ProbedShim:
    """Identify the PV shim in a file.

    PVH needs Xen's ELF note PHYS32_ENTRY, HVM a multiboot1 header (mboot.c32 reads that one).
    A build that `known` lists is taken at its word there; `vouched` is the kind that an admin
    says it is of, where the binary does not tell. Raises ShimtoolError for anything else than
    a whole, 32-bit x86 PV shim, saying what it is instead; `shown` is what errors call the file,
    when it is an unpacked copy.
    """
    from shimtool.shims.elf import read_notes  # noqa: PLC0415 - pyelftools is slow to load

    data = read_named(path, SHIM_LIMIT)
    place = shown or path
    notes, build_id = read_notes(data, place)
    digest = sha256(data).hexdigest()
    build = find_known(known, digest, build_id)
    kind = _kind(place, data, notes, build.kind if build else vouched)
    if kind is not ShimKind.VIXEN:
        _check_shim(place, data, notes)
    return ProbedShim(
        size=len(data),
        sha256=digest,
        build_id=build_id,
        version=build.version if build else _version(data),
        modes=_modes(place, data, notes),
        kind=kind,
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


def _kind(path: Path | str, data: bytes, types: set[int | str], said: ShimKind | None) -> ShimKind:
    """Return the kind: what the bytes tell, else what is `said`; refuse if these disagree."""
    marks: list[tuple[ShimKind, bool]] = [
        (ShimKind.VIXEN, VIXEN_MARK in data and PHYS32_ENTRY not in types),
        (ShimKind.PVSHIM, PHYS32_ENTRY in types),
    ]
    told = next((kind for kind, there in marks if there), None)
    if told is None and said is ShimKind.VIXEN and GUEST_OS not in types:
        return said
    if told is not None and said is not None and told is not said:
        raise fault(
            f"a shim of the kind {told}, not {said}", path, remedy=f"add it with --kind {told}"
        )
    return told or ShimKind.PVSHIM


def _check_shim(path: Path | str, data: bytes, types: set[int | str]) -> None:
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
            "if you know it to be a Vixen shim: shimtool shims add --kind vixen FILE",
        )
    if SHIM_MARK not in data:
        raise fault(
            "no code of Xen's PV shim in it",
            path,
            remedy="give xen-shim, built by Xen 4.10.1 or later with CONFIG_PV_SHIM",
        )


def _modes(path: Path | str, data: bytes, types: set[int | str]) -> frozenset[Mode]:
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
    words = (struct.unpack_from("<III", area, at) for at in range(0, len(area) - 11, 4))
    return any(word[0] == MULTIBOOT1 and sum(word) & 0xFFFFFFFF == 0 for word in words)


def _version(data: bytes) -> str | None:
    """Return the version if exactly one is in the data, else None: a wrong one misleads."""
    found = {xen_version(match.decode("ascii")) for match in FULL_VERSION.findall(data)}
    return found.pop() if len(found) == 1 else None
