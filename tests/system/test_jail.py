"""What a child in the jail cannot do, tried by real children, as root and as another user."""

import contextlib
import ctypes
import errno
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest

from shimtool.cli.main import run
from shimtool.system import confinement, jail
from shimtool.system.jail import Jailed, JailError, Limits, Put
from tests.support.cli import forked

QUICK = Limits(cpu_seconds=1)
PARENT = os.getpid()
NOBODY, SOMEBODY = 65534, 1234
CAP_KILL, CAP_SETGID = 5, 6  # linux/capability.h


def answer(
    work: Callable[[Sequence[int], Put], None],
    descriptors: Sequence[int] = (),
    limits: Limits = QUICK,
) -> bytes:
    parts = []
    with Jailed(work, descriptors, limits) as jailed:
        while data := jailed.read(1000):
            parts.append(data)
    return b"".join(parts)


def why(work: Callable[[Sequence[int], Put], None], limits: Limits = QUICK) -> str:
    with pytest.raises(JailError) as caught:
        answer(work, limits=limits)
    return str(caught.value)


def error_of(deed: Callable[[], object]) -> str:
    try:
        deed()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return "done"


def try_all(disk: int, folder: Path) -> dict[str, str]:
    """Try in the jail, with a disk open to write, what nobody may do there; errors by deed."""
    deeds: dict[str, Callable[[], object]] = {
        "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "open here": lambda: os.open(".", os.O_RDONLY),
        "list": lambda: list(Path("/").iterdir()),
        "make": (folder / "made").mkdir,
        "connect": lambda: socket.socket(socket.AF_INET).connect(("127.0.0.1", 1)),
        "talk": lambda: socket.socket(socket.AF_UNIX),
        "fork": os.fork,
        "write": lambda: os.write(1, b"!"),
        "grow": lambda: os.ftruncate(1, 1 << 20),
        "signal": lambda: os.kill(os.getppid() if os.getppid() > 0 else PARENT, 0),
    }

    def work(_descriptors: Sequence[int], put: Put) -> None:
        put("\n".join(f"{name}={error_of(deed)}" for name, deed in deeds.items()).encode())

    lines = answer(work, [disk]).decode().splitlines()
    return dict(line.split("=") for line in lines)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.write_bytes(b"0123456789")
    return path


def wait(_descriptors: Sequence[int], _put: Put) -> None:
    threading.Event().wait()


def no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a Linux without seccomp: the other walls stand alone."""
    monkeypatch.setattr(confinement, "_filter_calls", lambda: None)


@pytest.mark.parametrize("filtered", [True, False])
def test_as_root(disk: Path, monkeypatch: pytest.MonkeyPatch, *, filtered: bool) -> None:
    if not filtered:
        no_filter(monkeypatch)
    with disk.open("r+b") as opened:
        tried = try_all(opened.fileno(), disk.parent)
    if filtered:
        # a disk is opened to read only; that a file could be written is the test's own doing
        assert {**tried, "write": ""} == {**dict.fromkeys(tried, "EPERM"), "write": ""}
    assert not {name for name, error in tried.items() if error == "done"} - {"write"}
    assert not (disk.parent / "made").exists()
    assert len(disk.read_bytes()) == 10


@pytest.mark.parametrize("filtered", [True, False])
def test_as_another_user(disk: Path, monkeypatch: pytest.MonkeyPatch, *, filtered: bool) -> None:
    if not filtered:
        no_filter(monkeypatch)
    disk.parent.chmod(0o777)

    def as_somebody() -> None:
        os.setgroups([])
        os.setresgid(SOMEBODY, SOMEBODY, SOMEBODY)
        os.setresuid(SOMEBODY, SOMEBODY, SOMEBODY)
        tried = try_all(opened.fileno(), disk.parent)
        # What a user's process can do without seccomp all the same: confinement.py says so.
        may = {"write"} if filtered else {"write", "signal", "make"}
        assert not {name for name, error in tried.items() if error == "done"} - may, tried

    with disk.open("r+b") as opened:
        done = forked(as_somebody)
    assert not done.code, done.said


def test_root_is_root_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    no_filter(monkeypatch)  # which knows no getuid

    def work(_descriptors: Sequence[int], put: Put) -> None:
        put(repr((os.getresuid(), os.getresgid(), os.getgroups())).encode())

    assert answer(work) == repr(((NOBODY,) * 3, (NOBODY,) * 3, [])).encode()


@pytest.mark.parametrize("user", ["root", "root for ever"])
def test_no_capabilities_are_left(monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    """Also in a container in which root cannot become another user."""
    no_filter(monkeypatch)
    if user != "root":
        monkeypatch.setattr(confinement, "_NOBODY", 0)

    def work(_descriptors: Sequence[int], put: Put) -> None:
        header, found = struct.pack("<II", 0x20080522, 0), ctypes.create_string_buffer(24)
        assert ctypes.CDLL(None).capget(header, found) == 0
        put(found.raw)

    assert answer(work) == bytes(24)


def test_only_what_is_given_is_open(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_filter(monkeypatch)

    def work(descriptors: Sequence[int], put: Put) -> None:
        is_open = [n for n in range(300) if error_of(partial(os.fstat, n)) == "done"]
        put(repr((is_open, os.pread(descriptors[0], 4, 2))).encode())

    with disk.open("rb") as opened, disk.open("rb"):
        assert answer(work, [opened.fileno()]) == repr(([0, 1], b"2345")).encode()


def test_limits() -> None:
    def loop(_descriptors: Sequence[int], _put: Put) -> None:
        while True:
            pass

    def hoard(_descriptors: Sequence[int], _put: Put) -> None:
        held = []
        while True:
            held.append(bytes(1 << 20))

    assert why(loop) == "it took more than 1 s of processor time"
    assert why(hoard) == "it took more than 192 MB of memory"


def noted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What two children in a row tell who listens."""
    told: list[str] = []
    jail._note_once.cache_clear()
    monkeypatch.setattr(jail, "note", lambda _verb, what: told.append(what))
    for _ in range(2):
        assert answer(lambda _descriptors, put: put(b"x" * 300)) == b"x" * 300
    return told


def test_what_does_not_hold_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    no_filter(monkeypatch)
    monkeypatch.setattr(confinement, "_NOBODY", 0)
    assert noted(monkeypatch) == [
        "this system does not let it have: another user than root, seccomp"
    ]


def test_nothing_is_told_where_all_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not noted(monkeypatch)


def test_what_a_user_without_rights_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_somebody() -> None:
        os.setgroups([])
        os.setresgid(SOMEBODY, SOMEBODY, SOMEBODY)
        os.setresuid(SOMEBODY, SOMEBODY, SOMEBODY)
        assert noted(monkeypatch) == ["this system does not let it have: namespaces, chroot"]

    done = forked(as_somebody)
    assert not done.code, done.said


def test_what_it_took_is_told() -> None:
    def work(_descriptors: Sequence[int], put: Put) -> None:
        put(b"x")

    with Jailed(work, [], QUICK) as jailed:
        assert jailed.read(10) == b"x"
        assert jailed.read(10) == b""
        assert jailed.usage
        assert jailed.usage.ru_maxrss > 0


def test_a_child_that_lets_us_wait() -> None:
    assert why(wait, Limits(wait_seconds=0.01)) == "it took more than 0.01 s"


def test_a_child_that_pretends_to_have_ended() -> None:
    def work(descriptors: Sequence[int], put: Put) -> None:
        os.close(0)
        wait(descriptors, put)

    assert why(work) == "its reader was ended by SIGKILL"


def without(capability: int) -> None:
    """Take one of its capabilities from this process, for good."""
    header, found = struct.pack("<II", 0x20080522, 0), ctypes.create_string_buffer(24)
    libc = ctypes.CDLL(None)
    assert libc.capget(header, found) == 0
    sets = list(struct.unpack("<6I", found.raw))
    for each in range(3):
        sets[each] &= ~(1 << capability)
    assert libc.capset(header, struct.pack("<6I", *sets)) == 0


def test_a_sleeping_child_that_cannot_be_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ignores its pipe, and its parent is root without CAP_KILL."""
    monkeypatch.setattr(jail, "_END_SECONDS", 0.01)
    read_end, write_end = os.pipe()

    def deed() -> None:
        signal.alarm(20)  # ends the old code, which waited for ever
        without(CAP_KILL)
        with Jailed(wait, [], Limits(wait_seconds=0.5)) as jailed:
            os.write(write_end, str(jailed._child).encode())
            with pytest.raises(JailError, match="more than"):
                jailed.read(1)
        assert jailed.usage is None

    done = forked(deed)
    with contextlib.suppress(ProcessLookupError):  # what is left of it is the test's to end
        os.kill(int(os.read(read_end, 20)), signal.SIGKILL)
    for end in (read_end, write_end):
        os.close(end)
    assert not done.code, done.said


def test_groups_that_cannot_be_left_keep_no_child_root(monkeypatch: pytest.MonkeyPatch) -> None:
    no_filter(monkeypatch)

    def deed() -> None:
        without(CAP_SETGID)
        assert (
            answer(lambda _descriptors, put: put(repr(os.getresuid()).encode()))
            == repr((NOBODY,) * 3).encode()
        )

    done = forked(deed)
    assert not done.code, done.said


def test_a_child_that_the_kernel_reaps() -> None:
    """As in a process that ignores SIGCHLD: nothing fails, no other process is killed."""

    def deed() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        with Jailed(lambda _descriptors, put: put(b"x"), [], QUICK) as jailed:
            assert jailed.read(1) == b"x"
            with pytest.raises(JailError, match="not known"):
                jailed.read(1)
            free = os.dup(0)  # takes the number of the pipe's end
        os.fstat(free)

    done = forked(deed)
    assert not done.code, done.said


def test_a_command_does_not_keep_ignoring_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["shimtool", "--version"])

    def deed() -> None:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        run()
        assert signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL

    done = forked(deed)
    assert not done.code, done.said


class PanicException(BaseException):
    """As libraries in Rust raise."""


@pytest.mark.parametrize("error", [PanicException, SystemExit, KeyboardInterrupt, RecursionError])
def test_errors_of_any_kind(error: type[BaseException]) -> None:
    def work(_descriptors: Sequence[int], _put: Put) -> None:
        raise error

    assert why(work) == "its reader ended with exit code 70"


def test_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    no_filter(monkeypatch)

    def work(_descriptors: Sequence[int], _put: Put) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    assert why(work) == "its reader was ended by SIGSEGV"


def children() -> str:
    """Return the processes that this one started and has not waited for."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


def test_nobody_is_left_behind(disk: Path) -> None:
    before = children()
    with disk.open("rb") as opened, Jailed(wait, [opened.fileno()], QUICK):
        pass
    assert children() == before
