"""The boot ISO: pycdlib makes its directory, and the files are copied to their places."""

import io
import os
from collections.abc import Sequence
from typing import Any, BinaryIO

from shimtool.output.boot_info import boot_info, with_boot_info
from shimtool.output.copies import copy_whole
from shimtool.output.iso_content import BOOT_FILE, CATALOG_FILE, IsoFile
from shimtool.output.iso_layout import SECTOR, Layout, finish, lay_out
from shimtool.output.shared_blocks import SharedBlocks

_LEVEL = 4  # names like BOOT_IMAGE=linux
_BLOCK = 1 << 20


class _Hole(io.RawIOBase):
    """Stands for a file while pycdlib makes the ISO's directory: nothing to read yet."""

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return offset

    def read(self, size: int = -1, /) -> bytes:
        return b""


def write_iso(files: Sequence[IsoFile], out: BinaryIO, blocks: SharedBlocks) -> Layout:
    """Write a bootable, padded ISO of `files` to `out`; the same files give the same bytes.

    It shares `blocks` with an ISO of the same run where that can be.

    Raises ShimtoolError when a source changed since it was hashed.
    """
    import pycdlib  # noqa: PLC0415 - takes 10 ms to load, and not all commands need it

    iso = pycdlib.PyCdlib()
    iso.new(interchange_level=_LEVEL, vol_ident="SHIMTOOL")
    for file in files:
        hole: Any = _Hole()  # which pycdlib's types do not know
        iso.add_fp(hole, file.size, iso_path=f"/{file.name}")
    iso.add_eltorito(f"/{BOOT_FILE}", bootcatfile=f"/{CATALOG_FILE}", boot_load_size=4)
    iso.write_fp(out, blocksize=_BLOCK)
    layout = lay_out(files)
    boot = iso.get_record(iso_path=f"/{BOOT_FILE}").extent_location()
    if boot * SECTOR != layout.places[BOOT_FILE]:  # its boot catalogue says so, too
        raise RuntimeError(f"pycdlib lays ISOs out in another way: {BOOT_FILE} at {boot}")
    iso.close()
    out.flush()
    finish(out.fileno(), layout)
    for file in files:
        _write_file(file, layout.places[file.name], out, blocks)
    os.truncate(out.fileno(), layout.size)
    return layout


def _write_file(file: IsoFile, at: int, out: BinaryIO, blocks: SharedBlocks) -> None:
    prefix = file.prefix
    if file.name == BOOT_FILE:
        prefix = with_boot_info(prefix, boot_info(prefix, at // SECTOR))
    os.pwrite(out.fileno(), prefix, at)
    if file.source is not None:
        at += len(prefix)
        copy_whole(file.source, out, at, blocks.clone(file.source, out, at))
