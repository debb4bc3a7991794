"""The boot info table: by it isolinux.bin knows where it is in the ISO and whether it is whole.

Source: ISOLINUX's and mkisofs's documents (`-boot-info-table`).
"""

import struct

_AT, _END = 8, 64  # where in isolinux.bin it is, bytes
_DESCRIPTORS = 16  # the sector of the primary volume descriptor (ECMA-119, 6.2.1)


def boot_info(loader: bytes, sector: int) -> bytes:
    """Return the table of a loader at a sector of the ISO; `loader` may hold a table already.

    Four 32-bit little-endian numbers, the last the sum of the loader's words behind the table,
    and zeros.
    """
    body = loader[_END:]
    body += bytes(-len(body) % 4)
    total = sum(struct.unpack(f"<{len(body) // 4}I", body)) & 0xFFFFFFFF
    return struct.pack("<4I40x", _DESCRIPTORS, sector, len(loader), total)


def boot_info_in(loader: bytes) -> bytes:
    """Return the table that a loader holds."""
    return loader[_AT:_END]


def with_boot_info(loader: bytes, table: bytes) -> bytes:
    """Return the loader with a table of 56 bytes in it."""
    return loader[:_AT] + table + loader[_END:]


def without_boot_info(loader: bytes) -> bytes:
    """Return isolinux.bin as its package has it."""
    return with_boot_info(loader, bytes(_END - _AT))
