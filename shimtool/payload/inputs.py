"""Kernels and ramdisks of dom0 examined once per run, however many guests share them.

A tenant may own the file that his guest boots (see model.SourceFile.lasting). It is looked at in a
jail (untrusted.py); and as he can change it after it was hashed, what was read of it then is for
guests of that very file alone.
"""

import os
import threading
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from typing import BinaryIO, Generic, TypeVar

from shimtool.dom0.paths import Found
from shimtool.errors import fault
from shimtool.model import Kernel, KernelFacts, Ramdisk, SourceFile
from shimtool.system.digests import sha256_of
from shimtool.system.files import Stamp, unchanged
from shimtool.system.halting import OtherThread
from shimtool.system.staging import OTHERS_WRITE

SIZE_LIMIT = (4 << 30) - 1  # bytes; the longest file that ISO 9660 level 1-2 can hold
_SPARSE_FROM = 64 << 20  # bytes; a boot ISO of fewer harms nobody

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Entry(Generic[Value]):
    """One value, or the error of who tried to make it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: Value
        self._error: BaseException | None = None
        self._tried = False

    def get(self, make: Callable[[], Value]) -> Value:
        with self._lock:
            if not self._tried:
                self._try(make)
        if self._error is not None:
            raise self._error
        return self._made

    def _try(self, make: Callable[[], Value]) -> None:
        try:
            self._made = make()
        except BaseException as error:  # noqa: BLE001 - every asker gets it, this one too
            self._error = error
        self._tried = True


class OnceCache(Generic[Key, Value]):
    """Make each value once; who asks meanwhile waits, and gets the same value or error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[Key, _Entry[Value]] = {}

    def get(self, key: Key, make: Callable[[], Value]) -> Value:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
        return entry.get(make)


class InputCache:
    """Opens, hashes and inspects each input file once. Safe to share between threads.

    From an earlier run: `known` maps sha256 to facts, such a kernel is not unpacked again;
    `digests` maps stamps to sha256, such a file is not read again to hash it. Without `threads`
    none is started, and the order of what is read is always the same.
    Every method raises ShimtoolError, naming the file, when it is no regular file, too long,
    changes while it is read, or (kernels) is none.
    """

    def __init__(
        self,
        known: Mapping[str, KernelFacts] | None = None,
        digests: Mapping[Stamp, str] | None = None,
        *,
        threads: bool = True,
    ) -> None:
        self._threads = threads
        self._known = known or {}
        self._known_digests = digests or {}
        self._digests: OnceCache[Stamp, str] = OnceCache()
        self._facts: OnceCache[Hashable, KernelFacts] = OnceCache()
        self._ramdisks: OnceCache[Hashable, tuple[bool, bool, int | None]] = OnceCache()

    def kernel(self, found: Found, beside: Found | None = None) -> Kernel:
        """Examine a kernel; where that takes long, another thread begins to hash `beside`."""
        with unchanged(found.path) as (source, stamp):
            file = self._file(found, source, stamp)
            known = self._known.get(file.sha256)
            # One of a shimtool that did not look for all of it is looked at again.
            facts = (known if known and known.room else None) or self._facts.get(
                same_content_key(file), lambda: self._inspect_beside(file, source, beside)
            )
        return Kernel(file, facts)

    def ramdisk(self, found: Found) -> Ramdisk:
        """Examine a ramdisk."""
        with unchanged(found.path) as (source, stamp):
            file = self._file(found, source, stamp)
            kinds = self._ramdisks.get(
                same_content_key(file), lambda: _inspect_ramdisk(file, source)
            )
        return Ramdisk(file, *kinds)

    def _inspect_beside(
        self, file: SourceFile, source: BinaryIO, beside: Found | None
    ) -> KernelFacts:
        # No jail is forked beside a thread for this.
        if self._threads and beside is not None and file.lasting:
            with suppress(RuntimeError):  # there can be no more threads: it is hashed later
                OtherThread(target=self._hash, args=(beside,)).start()
        return _inspect(file, source)

    def _hash(self, found: Found) -> None:
        """Hash a file, for who asks for it later: he is told what goes wrong."""
        with suppress(Exception), unchanged(found.path) as (source, stamp):
            self._file(found, source, stamp)

    def _file(self, found: Found, source: BinaryIO, stamp: Stamp) -> SourceFile:
        size = stamp[2]
        if size > SIZE_LIMIT:
            raise fault(
                f"{found.path} is too long: {size} bytes, and a boot ISO holds less than 4 GiB",
                found.path,
                remedy="name the kernel or ramdisk itself, not a disk image",
            )
        status = os.fstat(source.fileno())
        if not _lasting(status) and _is_sparse(source, status):
            raise fault(
                f"most of {found.path} are holes, which would be copied as zeros",
                found.path,
                seen=f"{size} bytes, {status.st_blocks * 512} on disk",
                remedy="name the right file; if it is the right one, copy it without holes"
                " (cp --sparse=never), or let root alone own it and write to it",
            )
        known = self._known_digests.get(stamp)
        digest = known or self._digests.get(stamp, lambda: sha256_of(source))
        lasting = _lasting(status)
        return SourceFile(found.dom0_path, found.path, size, digest, stamp, lasting=lasting)


def same_content_key(file: SourceFile) -> Hashable:
    """Return what files have in common of which one may stand for the other."""
    return file.sha256 if file.lasting else (file.sha256, file.stamp, file.inside)


def _inspect(file: SourceFile, source: BinaryIO) -> KernelFacts:
    if file.lasting:
        from shimtool.payload.kernel.image import inspect  # noqa: PLC0415 - kernels not known only

        return inspect(source)
    from shimtool.payload import untrusted  # noqa: PLC0415 - tenants' files only

    return untrusted.inspect(source)


def _inspect_ramdisk(file: SourceFile, source: BinaryIO) -> tuple[bool, bool, int | None]:
    if file.lasting:
        from shimtool.payload.kernel.ramdisk import inspect_ramdisk  # noqa: PLC0415 - takes 1 ms

        return inspect_ramdisk(source)
    from shimtool.payload import untrusted  # noqa: PLC0415 - tenants' files only

    return untrusted.inspect_ramdisk(source)


def _is_sparse(source: BinaryIO, status: os.stat_result) -> bool:
    """Whether a large file takes less than a quarter of its size: holes cost a tenant nothing.

    What a file takes is not known everywhere, or not at once (FUSE, ZFS): it must have a hole too.
    """
    size = status.st_size
    if size <= _SPARSE_FROM or status.st_blocks * 512 >= size // 4:
        return False
    hole = os.lseek(source.fileno(), 0, os.SEEK_HOLE)
    os.lseek(source.fileno(), 0, os.SEEK_SET)
    return hole < size


def _lasting(status: os.stat_result) -> bool:
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & OTHERS_WRITE
