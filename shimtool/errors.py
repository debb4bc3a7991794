"""The one error family: logic raises it, shimtool/text.py renders it, shimtool/cli prints it.

ShimtoolError    bad input or surroundings: exit code 1
UsageError     a wrong command line: exit code 2
"""

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from shimtool.deferred import dataclass


class Code(StrEnum):
    """What kind of thing a fault is: for scripts, which must not read its message."""

    CONFIG = "config"  # the config cannot be read, or says what its toolstack would not take
    NOT_A_CONFIG = "not-a-config"  # a file of another program
    NOT_PV = "not-pv"
    NAME_TAKEN = "name-taken"  # several guests of one name
    NOTHING_TO_BOOT = "nothing-to-boot"
    BOOT_LOADER = "boot-loader"  # what runs in dom0 cannot be replaced, or not as the config wants
    UNSUPPORTED = "unsupported"  # a key that no shim can honour, such as pci=
    SIZE = "size"  # memory or vCPUs
    DISK = "disk"
    COMMAND_LINE = "command-line"
    KERNEL = "kernel"  # kernel or ramdisk cannot be used
    FILE_MISSING = "file-missing"
    GUEST_DISK = "guest-disk"  # nothing could be taken out of the guest's disk
    HOST = "host"  # this Xen, or this machine, cannot run it
    OVERWRITE = "overwrite"  # what is there is not ours to replace
    OUTPUT = "output"  # an output or original is not as it was written
    CONFIG_CHANGED = "config-changed"  # since it was converted, as those below
    INPUT_CHANGED = "input-changed"
    SHIM_CHANGED = "shim-changed"
    HOST_CHANGED = "host-changed"
    PROGRAM_CHANGED = "program-changed"
    RECORD = "record"  # what is kept of a conversion is damaged
    USAGE = "usage"  # an option's value
    SYSTEM = "system"  # the operating system refused
    CRASH = "crash"  # a fault in shimtool itself
    OTHER = "other"


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

    `detail` may have several lines (a diff); the others are one line each. `code` is what kind of
    thing it is; what calls those that do not know says it (coded()).
    """

    message: str
    where: Location | None = None
    seen: str | None = None
    remedy: str | None = None
    detail: str = ""
    code: Code = Code.OTHER


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
        super().__init__(Fault(f"{option}: {message}", seen=seen, code=Code.USAGE))
        self.option = option


def fault(  # noqa: PLR0913 - each is a part of one fault
    message: str,
    path: str | Path | None = None,
    line: int | None = None,
    *,
    seen: str | None = None,
    remedy: str | None = None,
    code: Code = Code.OTHER,
) -> ShimtoolError:
    """Build an error of a single fault."""
    where = Location(path, line) if path is not None else None
    return ShimtoolError(Fault(message, where, seen, remedy, code=code))


def coded(code: Code, faults: Iterable[Fault]) -> list[Fault]:
    """Say what kind of thing faults are, where they do not say it themselves."""
    return [replace(each, code=code) if each.code is Code.OTHER else each for each in faults]


@contextmanager
def faults_coded(code: Code) -> Iterator[None]:
    """Say what kind of thing the faults of errors in the block are, as coded() does."""
    try:
        yield
    except ShimtoolError as error:
        error.faults = tuple(coded(code, error.faults))
        raise


@contextmanager
def faults_kept(faults: list[Fault]) -> Iterator[None]:
    """Add the faults of an error in the block to `faults`, and go on behind it."""
    try:
        yield
    except ShimtoolError as error:
        faults += error.faults


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
        code=Code.SYSTEM,
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
