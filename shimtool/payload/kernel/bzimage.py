"""The setup header of an x86 bzImage (Linux, Documentation/arch/x86/boot.rst)."""

import struct

from shimtool.deferred import dataclass
from shimtool.payload.kernel.bounded_reader import DamagedError

HEAD = 0x8200  # bytes that hold the header and the setup code with its version string


@dataclass(frozen=True, slots=True)
class Setup:
    """`payload` is (offset, length) in the file; `version` the kernel's release, if given."""

    payload: tuple[int, int]
    version: str | None


def is_bzimage(head: bytes) -> bool:
    """Whether `head` has the boot sector's signature and the setup header's."""
    return head[0x1FE:0x200] == b"\x55\xaa" and head[0x202:0x206] == b"HdrS"


def read_setup(head: bytes, size: int) -> Setup:
    """Read the setup header of a file of `size` bytes.

    Raises DamagedError for a file cut short, and for boot protocols before 2.08 (Linux 2.6.26): no
    Xen, no toolstack and no shim loads those, as their payload is not an ELF image.
    """
    if len(head) < 0x250:
        raise DamagedError("a bzImage that ends inside its header")
    (protocol,) = struct.unpack_from("<H", head, 0x206)
    if protocol < 0x208:
        raise DamagedError(f"a bzImage of boot protocol {protocol >> 8}.{protocol & 255:02d}")
    start = ((head[0x1F1] or 4) + 1) * 512
    offset, length = struct.unpack_from("<II", head, 0x248)
    if not length or start + offset + length > size:
        raise DamagedError(f"a bzImage cut short: {size} bytes of {start + offset + length}")
    return Setup((start + offset, length), _version(head))


def _version(head: bytes) -> str | None:
    (pointer,) = struct.unpack_from("<H", head, 0x20E)
    if not pointer:
        return None
    text = head[0x200 + pointer :][:256].split(b"\0")[0]
    words = text.decode("ascii", "backslashreplace").split()
    return words[0] if words else None
