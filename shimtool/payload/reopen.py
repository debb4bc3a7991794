"""Kernels and ramdisks opened again: files of dom0 or of ours, or files inside a guest's disk."""

import os
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from shimtool.model import FilledFile, Kernel, SourceFile
from shimtool.system.files import changed_error, open_regular, stamp_of

_BLOCK = 1 << 20


def open_source(file: SourceFile) -> BinaryIO:
    """Open a file examined before; raise ShimtoolError if it is not the same any more.

    One inside a guest's disk can be read forwards only, once, and read() too raises it.
    """
    if file.filled is not None:
        return _open_filled(file.filled)
    if file.inside is not None:
        from shimtool.payload.guest_disk.reader import open_inside  # noqa: PLC0415 - pygrub only

        return open_inside(file, file.inside)
    source = open_regular(file.path)
    if stamp_of(os.fstat(source.fileno())) != file.stamp:
        source.close()
        raise changed_error(file.path)
    return source


def _open_filled(filled: FilledFile) -> BinaryIO:
    with open_source(filled.original) as source:
        data = source.read()
    end = filled.offset + len(filled.content)
    return BytesIO(data[: filled.offset] + filled.content + data[end:])


def unpacked(kernel: Kernel) -> Iterator[bytes]:
    """Give a kernel's ELF image in chunks; raises ShimtoolError as open_source and unpack_elf."""
    if kernel.file.inside is None:
        with open_source(kernel.file) as source:
            yield from _unpack_elf(kernel, source)
        return
    from shimtool.payload.guest_disk.reader import open_unpacked  # noqa: PLC0415 - pygrub only

    with open_unpacked(kernel.file, kernel.file.inside, kernel.facts) as source:
        while block := source.read(_BLOCK):
            yield block


def _unpack_elf(kernel: Kernel, source: BinaryIO) -> Iterator[bytes]:
    if kernel.file.lasting:
        from shimtool.payload.kernel.image import unpack_elf  # noqa: PLC0415 - takes 3 ms

        return unpack_elf(source, kernel.facts)
    from shimtool.payload import untrusted  # noqa: PLC0415 - tenants' files only

    return untrusted.unpack_elf(source, kernel.facts)
