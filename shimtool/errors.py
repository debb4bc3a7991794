"""The one error family: logic raises it, shimtool/text.py renders it, shimtool/cli prints it.

ShimtoolError    bad input or surroundings: exit code 1
UsageError     a wrong command line: exit code 2
"""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Location:
    """A place an admin can open: a file, perhaps a 1-based line in it."""

    path: str | Path
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else str(self.path)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: what, where, the value seen, and what to do about it.

    `detail` may have several lines (a diff); the others are one line each.
    """

    message: str
    where: Location | None = None
    seen: str | None = None
    remedy: str | None = None
    detail: str = ""


class ShimtoolError(Exception):
    """Bad input or surroundings: exit code 1 and a clear text, never a traceback.

    Carries every fault found, so that an admin mends them in one go.
    """

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = faults


class UsageError(ShimtoolError):
    """An option's value that cannot be used; `option` is its name on the command line."""

    def __init__(self, option: str, message: str, seen: str | None = None) -> None:
        super().__init__(Fault(f"{option}: {message}", seen=seen))
        self.option = option


def fault(
    message: str,
    path: str | Path | None = None,
    line: int | None = None,
    *,
    seen: str | None = None,
    remedy: str | None = None,
) -> ShimtoolError:
    """Build an error of a single fault."""
    where = Location(path, line) if path is not None else None
    return ShimtoolError(Fault(message, where, seen, remedy))


def raise_all(faults: Iterable[Fault]) -> None:
    """Raise one error carrying all of `faults`; do nothing when there are none."""
    if found := tuple(faults):
        raise ShimtoolError(*found)


def by_line(faults: Iterable[Fault]) -> list[Fault]:
    """Sort faults by their line; those without one come first."""
    return sorted(faults, key=lambda each: (each.where and each.where.line) or 0)


def raise_by_line(faults: Iterable[Fault]) -> None:
    """Raise one error carrying all of `faults`, by line; do nothing when there are none."""
    raise_all(by_line(faults))


def os_error(
    error: OSError, doing: str, path: str | Path, remedy: str | None = None
) -> ShimtoolError:
    """Translate an operating system's refusal ("No space left on device") into ours."""
    remedies = {
        errno.ENOSPC: "free some space there, or give another --out",
        errno.EDQUOT: "raise the quota there, or give another --out",
        errno.EROFS: "mount it writable (-v DIR:/out without :ro), or give another --out",
        errno.EACCES: "run as root, or as a user who may",
        errno.EPERM: "run as root, or as a user who may",
        errno.EIO: "check the disk below it (dmesg)",
    }
    return fault(
        f"cannot {doing}",
        path,
        seen=error.strerror or str(error),
        remedy=remedy or remedies.get(error.errno or 0),
    )


@contextmanager
def os_errors_as_faults(doing: str, path: str | Path) -> Iterator[None]:
    """Translate what the operating system refuses in the block, as os_error() does.

    The error names the file that the refusal itself names, else `path`.
    """
    try:
        yield
    except OSError as error:
        raise os_error(error, doing, error.filename or path) from None
