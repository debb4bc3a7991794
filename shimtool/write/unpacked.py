"""Kernels that must be stored unpacked: each once a run, however many guests share it."""

import hashlib
import threading
from dataclasses import replace
from pathlib import Path

from shimtool.files import stamp_of
from shimtool.kernel.image import unpack_elf
from shimtool.model import Kernel, SourceFile
from shimtool.write.files import PREFIX, SUFFIX


class Unpacked:
    """Keeps unpacked kernels in `folder` under temporary names until its lock is released."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: dict[str, SourceFile] = {}
        self._lock = threading.Lock()

    def get(self, kernel: Kernel) -> SourceFile:
        """Return the kernel's ELF as a file of its own."""
        with self._lock:
            if kernel.file.sha256 not in self._done:
                self._done[kernel.file.sha256] = self._unpack(kernel)
            return self._done[kernel.file.sha256]

    def _unpack(self, kernel: Kernel) -> SourceFile:
        path = self._folder / f"{PREFIX}{kernel.file.sha256}{SUFFIX}"
        digest = hashlib.sha256()
        with path.open("wb") as out:
            for chunk in unpack_elf(kernel.file, kernel.facts):
                digest.update(chunk)
                out.write(chunk)
        status = path.stat()
        return replace(
            kernel.file,
            path=path,
            size=status.st_size,
            sha256=digest.hexdigest(),
            stamp=stamp_of(status),
        )
