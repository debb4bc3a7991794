"""Kernels that must be stored unpacked: each once a run, however many guests share it."""

import os
import threading
from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path

from shimtool.errors import os_error
from shimtool.model import Kernel, SourceFile
from shimtool.payload.inputs import same_content_key
from shimtool.payload.reopen import unpacked
from shimtool.system.digests import sha256
from shimtool.system.files import stamp_of
from shimtool.system.halting import changing_files
from shimtool.system.staging import PREFIX, SUFFIX


def _private(path: str, flags: int) -> int:
    with changing_files():
        return os.open(path, flags, 0o600)


class UnpackedKernels:
    """Keeps unpacked kernels in `folder` under temporary names until its lock is released."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: dict[Hashable, SourceFile] = {}
        self._lock = threading.Lock()

    def get(self, kernel: Kernel) -> SourceFile:
        """Return the kernel's ELF as a file of its own."""
        with self._lock:
            key = same_content_key(kernel.file)
            if key not in self._done:
                self._done[key] = self._unpack(kernel)
            return self._done[key]

    def _unpack(self, kernel: Kernel) -> SourceFile:
        path = self._folder / f"{PREFIX}{kernel.file.sha256}-{len(self._done)}{SUFFIX}"
        digest = sha256()
        try:
            with open(path, "wb", opener=_private) as out:
                for chunk in unpacked(kernel):
                    digest.update(chunk)
                    out.write(chunk)
        except BaseException as error:
            path.unlink(missing_ok=True)  # a bomb's would be large
            if isinstance(error, OSError):
                raise os_error(error, "unpack a kernel there", self._folder) from None
            raise
        status = path.stat()
        return replace(
            kernel.file,
            path=path,
            size=status.st_size,
            sha256=digest.hexdigest(),
            stamp=stamp_of(status),
            inside=None,
            filled=None,
        )
