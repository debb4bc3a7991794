"""`xl console NAME` finds the PV console: its terminal is written as the serial port's, too."""

import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from tests.device_model.script_runner import SCRIPT, program, shell_command

ARGUMENTS = ("-xen-domid", "7", "-nodefaults", "-m", "512")
READ = "/local/domain/7/console/tty"
WRITE = "/local/domain/7/serial/0/tty"
TURNS = 30


class XenStore:
    """Stand-ins for xenstore-read and -write on PATH, backed by files; `sleep` takes no time."""

    def __init__(self, home: Path) -> None:
        self.home = home
        program(
            home / "bin/xenstore-read",
            f'#!/bin/sh\necho "$*" >>"{home}/reads"\n/bin/cat "{home}/tty"\n',
        )
        program(
            home / "bin/xenstore-write",
            f'#!/bin/sh\nprintf "%s\\n" "$@" >"{home}/new"\n'
            f'/bin/mv "{home}/new" "{home}/written"\n',
        )
        program(home / "bin/sleep", "#!/bin/sh\n")
        self.qemu = program(home / "qemu", "#!/bin/sh\nexec /bin/sleep 0.3\n")

    def waits_after(self, reads: int) -> None:
        """After so many reads, have the script's next turn begin when the terminal is there."""
        program(
            self.home / "bin/sleep",
            f'#!/bin/sh\n[ "$(/bin/grep -c . "{self.home}/reads")" -lt {reads} ] ||\n'
            f'  until [ -e "{self.home}/tty" ]; do /bin/sleep 0.02; done\n',
        )

    def has_processes(self) -> bool:
        """Whether the script, or what it started, still runs."""
        home = os.fsencode(self.home)
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):  # it ended meanwhile
                if b"SHIMTOOL_QEMU=" + home in environ.read_bytes():
                    return True
        return False

    def lines(self, name: str) -> list[str]:
        path = self.home / name
        return path.read_text().splitlines() if path.exists() else []

    def start(
        self, shell: str, arguments: Sequence[str] = ARGUMENTS, ninth: int | None = None
    ) -> "subprocess.Popen[bytes]":
        """Start the script, with an open file of ours as its descriptor 9."""
        at_nine = [] if ninth is None else ["bash", "-c", f'exec "$@" 9>&{ninth} {ninth}>&-', "-"]
        return subprocess.Popen(
            [*at_nine, *shell_command(shell), SCRIPT, *arguments],
            env={"PATH": str(self.home / "bin"), "SHIMTOOL_QEMU": str(self.qemu)},
            executable=shutil.which("bash") if at_nine else None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=() if ninth is None else (ninth,),
        )


@pytest.fixture
def store(tmp_path: Path) -> XenStore:
    return XenStore(tmp_path)


def eventually(has_content: Callable[[], bool]) -> bool:
    """Wait until something holds; false when it takes so long that it never will."""
    end = time.monotonic() + 600
    while not has_content():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def children(parent: int) -> list[str]:
    """Every process, living or zombie, whose parent this is."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[1]) == parent:
            found.append(stat.parent.name)
    return found


def test_the_terminal_is_lent_once_it_is_there(shell: str, store: XenStore) -> None:
    store.waits_after(3)
    with store.start(shell):
        assert eventually(lambda: len(store.lines("reads")) > 2)
        assert not store.lines("written")
        (store.home / "tty").write_text("/dev/pts/12\n")
        assert eventually(lambda: bool(store.lines("written")))
    assert store.lines("written") == [WRITE, "/dev/pts/12"]
    assert set(store.lines("reads")) == {READ}


@pytest.mark.parametrize(
    "value", ["/dev/pts/", "/dev/pts/1 2", "/dev/pts/../../etc/passwd", "/dev/sda", "12"]
)
def test_nothing_but_a_terminal_is_written(shell: str, store: XenStore, value: str) -> None:
    (store.home / "tty").write_text(value)
    with store.start(shell):
        assert eventually(lambda: len(store.lines("reads")) == TURNS)
    assert eventually(lambda: not store.has_processes())  # it gave up
    assert len(store.lines("reads")) == TURNS
    assert not store.lines("written")


@pytest.mark.parametrize(
    "arguments",
    [
        (*ARGUMENTS, "-serial", "pty"),  # a serial port of the config's own
        ("-xen-domid", "7/../0", "-m", "512"),
        ("-name", "-xen-domid", "-append", "7", "-m", "512"),
        ("-S", "-nographic", "-machine", "none,accel=xen"),  # libxl asks what QEMU can do
    ],
)
def test_left_alone(shell: str, store: XenStore, arguments: tuple[str, ...]) -> None:
    (store.home / "tty").write_text("/dev/pts/12\n")
    with store.start(shell, arguments) as running:
        running.communicate()
    assert not store.lines("reads")
    assert not store.lines("written")


def test_without_xenstore_programs_nothing_is_said(shell: str, store: XenStore) -> None:
    (store.home / "bin/xenstore-write").unlink()
    with store.start(shell) as running:
        _, errors = running.communicate()
    assert errors.decode() == f"shimtool-dm: dropped nothing; starting {store.qemu}\n"
    assert not store.lines("reads")


def test_qemu_has_no_child_and_nobody_waits_for_it(shell: str, store: XenStore) -> None:
    ready, held = os.pipe()
    store.waits_after(1)
    program(store.qemu, f'#!/bin/sh\n: >"{store.home}/started"\nexec /bin/sleep 900\n')
    with store.start(shell, ninth=held) as running:
        os.close(held)
        assert eventually(lambda: bool(store.lines("reads")))
        assert eventually((store.home / "started").exists)
        # The one that reads is there, but not QEMU's; what the shell waits for may be a zombie.
        assert eventually(lambda: not children(running.pid))
        assert running.poll() is None
        running.kill()
        running.communicate(timeout=600)  # standard output and error close with QEMU
    assert select.select([ready], [], [], 0)[0], "the child keeps an open file"
    os.close(ready)
    (store.home / "tty").write_text("/dev/pts/12\n")
    assert eventually(lambda: bool(store.lines("written"))), "the child did not outlive QEMU"
