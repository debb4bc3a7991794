"""The parameter file: what the pre-stage in a boot ISO is told of its guest.

The format is that of container/prestage/params.h, which checks the same on the other side.
"""

import struct
import zlib

from shimtool.deferred import dataclass
from shimtool.model import Block
from shimtool.system.typed import DamagedDocumentError

GUARD_SIZE = 4096  # bytes before a file that the boot loader must not look into: a page
MAX_LINE = 1023  # bytes: what a PV guest's start_info holds (Xen's public/xen.h)
MAX_VCPUS = 128  # of an HVM guest (Xen's public/hvm/hvm_info_table.h)

_MAGIC, _VERSION, _WITH_BLOCK = b"prestage", 1, 2
_HEADER, _BLOCK = struct.Struct("<8s13I"), struct.Struct("<2I")
_CHECKSUM = slice(16, 20)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the ISO: its own size in bytes, and whether a guard stands before it."""

    size: int
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a parameter file says. `event_vector` is set for each vCPU before the shim runs, None
    leaves that to the shim. `block` is made free for the kernel, None: that is free as things are.
    Lines are of 0 to MAX_LINE bytes, none of them zero.
    """

    vcpus: int
    shim: StoredFile
    kernel: StoredFile
    ramdisk: StoredFile | None
    shim_line: bytes
    guest_line: bytes
    event_vector: int | None = None
    block: Block | None = None
    verbose: bool = False


def encode_parameters(parameters: Parameters) -> bytes:
    """Write a parameter file; ValueError for what none can say (the plan has refused it)."""
    ramdisk = parameters.ramdisk or StoredFile(0)
    lines = parameters.shim_line + b"\0" + parameters.guest_line + b"\0"
    try:
        wanted = parameters.block
        block = b"" if wanted is None else _BLOCK.pack(wanted.size, wanted.enough)
        header = _HEADER.pack(
            *(_MAGIC, _WITH_BLOCK if block else _VERSION, _HEADER.size + len(block + lines), 0),
            *(parameters.verbose, parameters.vcpus, parameters.event_vector or 0),
            parameters.shim.size,
            *(_guard(parameters.kernel), parameters.kernel.size),
            *(_guard(ramdisk), ramdisk.size),
            *(len(parameters.shim_line), len(parameters.guest_line)),
        )
    except struct.error:
        raise ValueError(f"a number does not fit into 32 bits: {parameters}") from None
    data = _sealed(header + block + lines)
    try:
        same = decode_parameters(data) == parameters
    except DamagedDocumentError as wrong:
        raise ValueError(str(wrong)) from None
    if not same:
        raise ValueError(f"no parameter file can say this: {parameters}")
    return data


def decode_parameters(data: bytes) -> Parameters:
    """Read a parameter file as the pre-stage does; DamagedDocumentError names what is wrong."""
    if len(data) < _HEADER.size:
        raise DamagedDocumentError("it is cut short", "size", len(data))
    magic, version, size, _, *numbers = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise DamagedDocumentError("it is no parameter file")
    _must("version", version in (_VERSION, _WITH_BLOCK), f"{_VERSION} or {_WITH_BLOCK}", version)
    _must("size", size == len(data), f"{len(data)}, as the file's is", size)
    if _sealed(data) != data:
        raise DamagedDocumentError("its checksum is wrong")
    *fields, shim_length, guest_length = numbers
    block, rest = None, data[_HEADER.size :]
    if version == _WITH_BLOCK:
        block, rest = _block(rest)
    shim_line, guest_line = _lines(rest, shim_length, guest_length)
    return _checked(fields, block, shim_line, guest_line)


def _guard(file: StoredFile) -> int:
    return GUARD_SIZE if file.guarded else 0


def _sealed(data: bytes) -> bytes:
    """Put the checksum in its place."""
    blank = data[: _CHECKSUM.start] + bytes(4) + data[_CHECKSUM.stop :]
    checksum = zlib.crc32(blank).to_bytes(4, "little")
    return data[: _CHECKSUM.start] + checksum + data[_CHECKSUM.stop :]


def _block(data: bytes) -> tuple[Block, bytes]:
    """Return the block that stands before the lines, and these."""
    if len(data) < _BLOCK.size:
        raise DamagedDocumentError("it is cut short", "size", _HEADER.size + len(data))
    block = Block(*_BLOCK.unpack_from(data))
    if not block.is_possible():
        raise DamagedDocumentError("it cannot be", "block", str(block))
    return block, data[_BLOCK.size :]


def _lines(data: bytes, shim_length: int, guest_length: int) -> tuple[bytes, bytes]:
    """Split the lines, each with its zero byte, which stands nowhere else in them."""
    for name, length in (("shim_line", shim_length), ("guest_line", guest_length)):
        _must(name, length <= MAX_LINE, f"at most {MAX_LINE} bytes long", length)
    shim_line, guest_line = data[:shim_length], data[shim_length + 1 : -1]
    ends = shim_line + b"\0" + guest_line + b"\0" == data and len(guest_line) == guest_length
    if not ends or b"\0" in shim_line + guest_line:
        raise DamagedDocumentError("its lines do not end where they should")
    return shim_line, guest_line


def _checked(
    fields: list[int], block: Block | None, shim_line: bytes, guest_line: bytes
) -> Parameters:
    verbose, vcpus, vector, shim, kernel_guard, kernel, ramdisk_guard, ramdisk = fields
    _must("verbose", verbose in (0, 1), "0 or 1", verbose)
    _must("vcpus", 1 <= vcpus <= MAX_VCPUS, f"1 to {MAX_VCPUS}", vcpus)
    _must("event_vector", not vector or 0x10 <= vector <= 0xFF, "0, or 16 to 255", vector)
    _must("kernel.guard", kernel_guard in (0, GUARD_SIZE), f"0 or {GUARD_SIZE}", kernel_guard)
    _must("ramdisk.guard", ramdisk_guard in (0, GUARD_SIZE), f"0 or {GUARD_SIZE}", ramdisk_guard)
    _must("kernel.size", kernel > 0, "at least 1", kernel)
    _must("ramdisk.guard", bool(ramdisk) or not ramdisk_guard, "0 without a ramdisk", ramdisk_guard)
    return Parameters(
        vcpus=vcpus,
        shim=StoredFile(shim),
        kernel=StoredFile(kernel, bool(kernel_guard)),
        ramdisk=StoredFile(ramdisk, bool(ramdisk_guard)) if ramdisk else None,
        shim_line=shim_line,
        guest_line=guest_line,
        event_vector=vector or None,
        block=block,
        verbose=bool(verbose),
    )


def _must(field: str, right: bool, words: str, seen: int) -> None:
    if not right:
        raise DamagedDocumentError(f"it must be {words}", field, seen)
