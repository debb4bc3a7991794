"""Open files that somebody else names: regular ones only, bounded, with clear refusals."""

import io
import os
import stat
from pathlib import Path

from shimtool.errors import ShimtoolError, fault

MIB = 1 << 20
SHIM_LIMIT = 64 * MIB  # the largest shim seen is 6.4 MB, with its symbols


def open_regular(path: Path) -> io.BufferedReader:
    """Open a regular file, or a link to one, for reading; it is not empty.

    Raises ShimtoolError for a folder, pipe, device, an empty or an unreadable file.
    """
    try:
        # A pipe without a writer would hang a plain open.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable(path, error) from None
    stream = os.fdopen(handle, "rb") if stat.S_ISREG(os.fstat(handle).st_mode) else None
    if stream is None:
        kind = "a folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "not a regular file"
        os.close(handle)
        raise fault(f"this is {kind}", path, remedy="name the file itself")
    if not os.fstat(handle).st_size:
        stream.close()
        raise fault("the file is empty", path, remedy="copy or download it again")
    return stream


def read_regular(path: Path, limit: int) -> bytes:
    """Return all of a regular file of at most `limit` bytes; errors as `open_regular`."""
    with open_regular(path) as stream:
        try:
            data = stream.read(limit + 1)
        except OSError as error:
            raise _unreadable(path, error) from None
    if len(data) > limit:
        raise fault(
            f"larger than {limit // MIB} MiB, too large for its purpose",
            path,
            remedy="check that it is the right file",
        )
    return data


def _unreadable(path: Path, error: OSError) -> ShimtoolError:
    return fault(
        f"cannot read the file: {error.strerror}", path, remedy="check its path and permissions"
    )
