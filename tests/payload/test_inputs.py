"""Files read once however many guests share them, and files that change meanwhile."""

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

import pytest

from shimtool.dom0.paths import Found
from shimtool.errors import ShimtoolError
from shimtool.model import Compression, KernelFacts, Wrapping
from shimtool.payload import inputs as source
from shimtool.payload.inputs import InputCache
from shimtool.payload.kernel.image import inspect
from shimtool.payload.reopen import open_source
from shimtool.system import files
from tests.support import kernel_builder as build

GOOD = build.elf(segment=build.notes(build.PV_NOTES))


def found(path: Path, dom0: str = "/boot/k") -> Found:
    return Found(dom0, path)


def swap_content(path: Path) -> None:
    """Change the content and set the time back, as tar, rsync or touch -r do."""
    status = path.stat()
    path.write_bytes(bytes(len(path.read_bytes())))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def bytes_read() -> int:
    """Return how much this process has read so far (rchar of proc(5))."""
    return int(Path("/proc/self/io").read_text().split()[1])


def test_what_is_said_of_a_kernel(tmp_path: Path) -> None:
    path = build.write(tmp_path, GOOD)
    kernel = InputCache().kernel(found(path))
    status = path.stat()
    assert kernel.file.dom0_path == "/boot/k"
    assert kernel.file.path == path
    assert kernel.file.size == len(GOOD)
    assert kernel.file.sha256 == hashlib.sha256(GOOD).hexdigest()
    assert kernel.file.stamp == (
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_ctime_ns,
    )
    assert kernel.facts.pv


def test_a_shared_file_is_read_once(tmp_path: Path) -> None:
    path = build.write(tmp_path, GOOD + os.urandom(9_000_000))
    sources = InputCache()
    start = bytes_read()
    first = sources.kernel(found(path))
    once = bytes_read() - start
    again = sources.kernel(found(path, "/other/name"))
    assert once > 9_000_000
    assert bytes_read() - start - once < 1_000_000
    assert (again.file.sha256, again.facts) == (first.file.sha256, first.facts)
    assert again.file.dom0_path == "/other/name"


def test_an_earlier_run_is_believed(tmp_path: Path) -> None:
    path = build.write(tmp_path, b"no kernel at all")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    facts = KernelFacts(Wrapping.ELF, Compression.NONE, (0, 16), 64, pv=True)
    assert InputCache({digest: facts}).kernel(found(path)).facts == facts
    known = {files.stamp_of(path.stat()): "what was said before"}
    assert InputCache(digests=known).ramdisk(found(path)).file.sha256 == "what was said before"


def test_content_changed_under_an_old_time_is_read_again(tmp_path: Path) -> None:
    path = build.write(tmp_path, GOOD)
    known = {files.stamp_of(path.stat()): "what was said before"}
    swap_content(path)
    ramdisk = InputCache(digests=known).ramdisk(found(path))
    assert ramdisk.file.sha256 == hashlib.sha256(bytes(len(GOOD))).hexdigest()


def test_threads_wait_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build.write(tmp_path, GOOD)
    calls: list[str] = []
    release = threading.Event()

    def slow(opened: BinaryIO) -> KernelFacts:
        calls.append(opened.name)
        release.wait(10)
        return inspect(opened)

    monkeypatch.setattr(source, "inspect", slow)
    sources = InputCache()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(sources.kernel, found(path)) for _ in range(8)]
        release.set()
        assert len({future.result().file.sha256 for future in asked}) == 1
    assert len(calls) == 1


def test_threads_all_get_the_error(tmp_path: Path) -> None:
    path = build.write(tmp_path, b"#!/bin/sh\n")
    sources = InputCache()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(sources.kernel, found(path)) for _ in range(4)]
    assert all(isinstance(future.exception(), ShimtoolError) for future in asked)


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    path = build.write(tmp_path, GOOD)
    with (
        pytest.raises(ShimtoolError, match="changed"),
        files.unchanged(path) as (opened, _),
        path.open("ab") as writer,
    ):
        opened.read()
        writer.write(b"more")


def test_a_file_replaced_since_is_not_opened(tmp_path: Path) -> None:
    path = build.write(tmp_path, GOOD)
    file = InputCache().kernel(found(path)).file
    with open_source(file) as opened:
        assert opened.read() == GOOD
    path.unlink()
    path.symlink_to("/etc/passwd")
    with pytest.raises(ShimtoolError):
        open_source(file)


def test_disk_images_are_too_long(tmp_path: Path) -> None:
    path = build.write(tmp_path, GOOD)
    os.truncate(path, 5 << 30)
    with pytest.raises(ShimtoolError, match="too long"):
        InputCache().ramdisk(found(path))
