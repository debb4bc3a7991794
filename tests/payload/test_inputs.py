"""Files read once however many guests share them, and files that change meanwhile."""

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from shimtool.dom0.paths import Found
from shimtool.errors import ShimtoolError
from shimtool.model import Compression, KernelFacts, KernelRoom, Wrapping
from shimtool.output.unpacked import UnpackedKernels
from shimtool.payload.inputs import InputCache
from shimtool.payload.kernel import image
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


def wait_for_threads() -> None:
    for each in set(threading.enumerate()) - {threading.current_thread()}:
        if not each.daemon:
            each.join()


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


def test_a_ramdisk_hashed_beside_a_kernel_is_read_once(tmp_path: Path) -> None:
    content = b"070701" + bytes(8 << 20)
    ramdisk = found(build.write(tmp_path, content, "initrd"))
    kernel, inputs, before = found(build.write(tmp_path, GOOD)), InputCache(), bytes_read()
    facts = inputs.kernel(kernel, beside=ramdisk).facts
    wait_for_threads()
    assert bytes_read() - before > len(content)
    assert inputs.ramdisk(ramdisk).file.sha256 == hashlib.sha256(content).hexdigest()
    assert bytes_read() - before < 2 * len(content)
    knowing, before = InputCache({hashlib.sha256(GOOD).hexdigest(): facts}), bytes_read()
    knowing.kernel(kernel, beside=ramdisk)
    wait_for_threads()
    assert bytes_read() - before < len(content)


@pytest.mark.parametrize(
    ("owner", "threads"),
    [pytest.param(0, False, id="one at a time"), pytest.param(65534, True, id="beside a jail")],
)
def test_no_thread_is_started(tmp_path: Path, owner: int, threads: bool) -> None:
    content = b"070701" + bytes(8 << 20)
    ramdisk = found(build.write(tmp_path, content, "initrd"))
    kernel, before = found(build.write(tmp_path, GOOD)), bytes_read()
    os.chown(kernel.path, owner, owner)
    assert InputCache(threads=threads).kernel(kernel, beside=ramdisk).facts.pv
    wait_for_threads()
    assert bytes_read() - before < len(content)


def test_what_is_wrong_with_a_ramdisk_is_told_to_who_asks_for_it(tmp_path: Path) -> None:
    kernel, gone = build.write(tmp_path, GOOD), found(tmp_path / "gone")
    inputs = InputCache()
    assert inputs.kernel(found(kernel), beside=gone).facts.pv
    with pytest.raises(ShimtoolError, match="gone"):
        inputs.ramdisk(gone)


def test_an_earlier_run_is_believed(tmp_path: Path) -> None:
    path = build.write(tmp_path, b"no kernel at all")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    room = KernelRoom(16, 16, maps_ramdisk=False, maps_page_list=False)
    facts = KernelFacts(Wrapping.ELF, Compression.NONE, (0, 16), 64, pv=True, room=room)
    assert InputCache({digest: facts}).kernel(found(path)).facts == facts
    known = {files.stamp_of(path.stat()): "what was said before"}
    assert InputCache(digests=known).ramdisk(found(path)).file.sha256 == "what was said before"


def test_an_earlier_shimtool_that_did_not_look_for_all_is_not_believed(tmp_path: Path) -> None:
    path = build.write(tmp_path, GOOD)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    facts = KernelFacts(Wrapping.ELF, Compression.NONE, (0, 16), 32, pv=False)
    assert InputCache({digest: facts}).kernel(found(path)).facts == inspect(path.open("rb"))


def test_content_changed_under_an_old_time_is_read_again(tmp_path: Path) -> None:
    path = build.write(tmp_path, GOOD)
    known = {files.stamp_of(path.stat()): "what was said before"}
    while files.stamp_of(path.stat()) in known:  # for a tick of the kernel's clock
        swap_content(path)
    ramdisk = InputCache(digests=known).ramdisk(found(path))
    assert ramdisk.file.sha256 == hashlib.sha256(bytes(len(GOOD))).hexdigest()


def test_a_tenants_kernel_says_nothing_of_dom0s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He changes his copy after it was hashed, and undoes it before its ctime is looked at."""
    dom0s, tenants = build.write(tmp_path, GOOD), tmp_path / "tenants"
    tenants.write_bytes(GOOD)
    os.chown(tenants, 65534, 65534)

    def changed(opened: BinaryIO) -> KernelFacts:
        facts = inspect(opened)
        return replace(facts, version="evil") if opened.name == str(tenants) else facts

    monkeypatch.setattr(image, "inspect", changed)  # what the jail runs
    sources = InputCache()
    first, second = sources.kernel(found(tenants)), sources.kernel(found(dom0s))
    assert first.file.sha256 == second.file.sha256
    assert (first.facts.version, first.file.lasting) == ("evil", False)
    assert (second.facts.version, second.file.lasting) == (inspect_again(dom0s).version, True)


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_can_write_to_is_not_lasting(tmp_path: Path, mode: int) -> None:
    path = build.write(tmp_path, GOOD)
    path.chmod(mode)
    assert not InputCache().ramdisk(found(path)).file.lasting


def test_a_tenants_kernel_is_unpacked_for_his_guest_alone(tmp_path: Path) -> None:
    """His writes through a mapped page show in no ctime before they are written back."""
    packed = build.packed(GOOD, Compression.GZIP)
    dom0s, tenants = build.write(tmp_path, packed), tmp_path / "tenants"
    tenants.write_bytes(packed)
    os.chown(tenants, 65534, 65534)
    sources, unpacked = InputCache(), UnpackedKernels(tmp_path)
    first, second = (unpacked.get(sources.kernel(found(path))) for path in (tenants, dom0s))
    first.path.write_bytes(b"forged")
    assert second.path.read_bytes() == GOOD


def inspect_again(path: Path) -> KernelFacts:
    with path.open("rb") as opened:
        return inspect(opened)


def test_threads_wait_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build.write(tmp_path, GOOD)
    calls: list[str] = []
    release = threading.Event()

    def slow(opened: BinaryIO) -> KernelFacts:
        calls.append(opened.name)
        release.wait(10)
        return inspect(opened)

    monkeypatch.setattr(image, "inspect", slow)
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


def test_a_tenants_file_of_holes(tmp_path: Path) -> None:
    """It costs him nothing, and dom0 all of its size in the ISO; root's own is as root wants it."""
    path = build.write(tmp_path, GOOD)
    os.truncate(path, 100 << 20)
    assert InputCache().ramdisk(found(path)).file.size == 100 << 20
    os.chown(path, 1234, 1234)
    with pytest.raises(ShimtoolError, match="are holes"):
        InputCache().ramdisk(found(path))
    with path.open("r+b") as file:
        file.write(os.urandom(1 << 20) * 40)
    assert InputCache().ramdisk(found(path)).file.size == 100 << 20
