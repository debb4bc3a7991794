"""Files that are no files, lie about their length or change: said soon, nothing half-written."""

import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.scenarios import Trial
from tests.support.cli import Result, shimtool_cli
from tests.support.kernel_builder import small_kernel

pytestmark = pytest.mark.usefixtures("small_shim")


def fifo(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        home = Path.cwd()
        os.chdir(path.parent)  # a socket's path must be short
        end.bind(path.name)
        os.chdir(home)


def link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def device(minor: int) -> Callable[[Path], None]:
    """/dev/zero (5), which never ends, /dev/full (7), /dev/random (8)."""
    return lambda path: os.mknod(path, 0o20600, os.makedev(1, minor))


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 << 30)


def cut(path: Path) -> None:
    """A kernel of which half is there; then zeros for as long as its header says."""
    whole = small_kernel(b"6.1.0")
    path.write_bytes(whole[: len(whole) // 2])


def cut_and_sparse(path: Path) -> None:
    cut(path)
    os.truncate(path, len(small_kernel(b"6.1.0")))


ODD: dict[str, Callable[[Path], None]] = {
    "fifo": fifo,
    "socket": unix_socket,
    "folder": Path.mkdir,
    "link-to-a-process": link("/proc/self/mem"),
    "link-to-a-terminal": link("/dev/tty"),
    "link-to-nothing": link("nothing"),
    "dev-zero": device(5),
    "dev-full": device(7),
    "dev-random": device(8),
    "100-gb-of-nothing": sparse,
    "cut": cut,
    "cut-and-sparse": cut_and_sparse,
}
RAMDISKS = [name for name in ODD if not name.startswith("cut")]


OUTPUTS = [
    "fifo",
    "folder",
    "link-to-a-process",
    "link-to-nothing",
    "dev-zero",
    "100-gb-of-nothing",
]


def refused(ended: Result) -> None:
    plain(ended)
    assert ended.code == 1, ended
    assert "do:   " in ended.said


def plain(ended: Result) -> None:
    assert "Traceback" not in ended.said, ended.said
    assert ended.code in (0, 1)
    assert (ended.code == 1) == ("error: " in ended.said)
    assert ended.cpu < 10
    assert ended.memory < 100


@pytest.fixture
def two(guests: Trial) -> Trial:
    """A dom0 with one guest, that called two."""
    guests.rewind()
    for guest in ("one", "three"):
        (guests.dom0.configs / f"{guest}.cfg").unlink()
    return guests


@pytest.mark.parametrize("odd", ODD)
def test_as_a_kernel(two: Trial, odd: str) -> None:
    (two.dom0.boot / "vmlinux.gz").unlink()
    ODD[odd](two.dom0.boot / "vmlinux.gz")
    refused(two.run())
    assert set(two.dom0.written()) <= {"shimtool-dm"}


@pytest.mark.parametrize("odd", RAMDISKS)
def test_as_a_ramdisk(two: Trial, odd: str) -> None:
    (two.dom0.boot / "initrd").unlink()
    ODD[odd](two.dom0.boot / "initrd")
    refused(two.run())
    assert set(two.dom0.written()) <= {"shimtool-dm"}


@pytest.mark.parametrize("odd", RAMDISKS)
def test_as_a_config_a_shim_an_iso(two: Trial, odd: str) -> None:
    path = two.dom0.configs / "odd.cfg"
    ODD[odd](path)
    if odd != "folder":
        refused(two.run())
        assert set(two.dom0.written()) == {"shimtool-dm", "two.iso", "two.cfg"}
    given = str(path)
    for words in (
        ("convert", given),
        ("restore", given),
        ("verify", given),
        ("convert", "--shim", given),
    ):
        refused(two.run(words))
    plain(shimtool_cli("shims", "add", path))


@pytest.mark.parametrize("name", ["two.iso", "two.cfg", "shimtool-dm", "shimtool.yaml"])
@pytest.mark.parametrize("odd", OUTPUTS)
def test_in_the_place_of_outputs(two: Trial, odd: str, name: str) -> None:
    """What stands under an output's name is replaced or refused, never opened."""
    path = two.dom0.out / name
    ODD[odd](path)
    ended = two.run()
    plain(ended)
    plain(two.run(("status",)))
    if path.is_dir() and not path.is_symlink():
        path.rmdir()
    elif ended.code:
        path.unlink()
    assert two.run(("convert", "--force")).code == 0
    isos = [str(two.dom0.out / each) for each in ("two.iso", "two.cfg")]
    assert two.run(("verify", *isos)).code == 0


def test_a_kernel_that_shrinks_and_grows_meanwhile(trial: Trial) -> None:
    """Whatever a copy in progress does to it: an ISO that is there holds a whole kernel."""
    trial.rewind()
    path, whole = trial.dom0.boot / "vmlinuz", small_kernel(b"6.1.0")
    done = threading.Event()

    def change() -> None:
        while not done.is_set():
            for length in (0, len(whole) // 2, len(whole)):
                with path.open("r+b") as file:
                    file.truncate(length)
                    file.write(whole[:length])
                time.sleep(0.004)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(40):
            ended = trial.run(("convert", "--force"))
            assert ended.code in (0, 1)
            assert "Traceback" not in ended.said
            trial.check_interrupted()
    finally:
        done.set()
        thread.join()
    path.write_bytes(whole)
    assert trial.run().code == 0
    trial.check_finished()
