"""Kernels and ramdisks opened: files of dom0, or files inside a guest's disk."""

import os
from contextlib import AbstractContextManager
from typing import BinaryIO

from shimtool.dom0.paths import Found
from shimtool.model import SourceFile
from shimtool.system.files import Stamp, changed_error, open_regular, stamp_of, unchanged


def open_unchanged(found: Found) -> AbstractContextManager[tuple[BinaryIO, Stamp]]:
    """Open a file that a config names; on leaving, ShimtoolError if it changed meanwhile."""
    if found.inside is None:
        return unchanged(found.path)
    from shimtool.payload.guest_disk.inside import (  # noqa: PLC0415 - pygrub guests only
        unchanged_inside,
    )

    return unchanged_inside(found.inside)


def open_source(file: SourceFile) -> BinaryIO:
    """Open a file examined before; raise ShimtoolError if it is not the same any more."""
    if file.inside is not None:
        from shimtool.payload.guest_disk.inside import (  # noqa: PLC0415 - pygrub guests only
            open_again,
        )

        return open_again(file.inside, file.stamp)
    source = open_regular(file.path)
    if stamp_of(os.fstat(source.fileno())) != file.stamp:
        source.close()
        raise changed_error(file.path)
    return source
