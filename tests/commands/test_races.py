"""Files exchanged at any moment of --in-place and restore: no other file is ever written.

Python tells (sys.addaudithook) before it opens, renames or changes a file. The exchange is made
at one such moment, in each run at another one, until all had their turn: no clock decides.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.cli import Result, forked, run_here
from tests.support.dom0 import Dom0

TENANT = 12345
Words = tuple[str | Path, ...]
SECRET = b"# root's own\nname = 'secret'\n"
_CHANGES = {"os.rename", "os.remove", "os.chmod", "os.chown", "os.mkdir", "os.rmdir"}


@dataclass
class Exchange:
    """Calls `act` at the `at`th moment of a run that works on a file of this name."""

    name: str
    at: int
    act: Callable[[], None]
    until_rename: bool = False
    counted: int = -1
    busy: bool = field(default=False, init=False)

    def __call__(self, event: str, words: tuple[object, ...]) -> None:
        if self.busy or not self.is_moment(event, words):
            return
        self.counted += 1
        if self.counted == self.at:
            self.busy = True
            self.act()
            self.busy = False

    def is_moment(self, event: str, words: tuple[object, ...]) -> bool:
        """From the lock on: before the named file is read, and before each change."""
        if event == "open":
            named = str(words[0]).endswith((self.name, ".lock"))
            return named or (self.counted >= 0 and bool(int(str(words[2])) & os.O_CREAT))
        # At the last rename it is too late: check and rename are two system calls.
        last = event == "os.rename" and str(words[1]).endswith(self.name)
        return self.counted >= 0 and event in _CHANGES and not (self.until_rename and last)


def run_with(words: list[str | Path], exchange: Exchange) -> Result:
    """Run the command line; its exit code is 90 where it ended before the moment came."""

    def work() -> None:
        sys.addaudithook(exchange)
        done = run_here(*words)
        assert "Traceback" not in done.err, done.err
        raise SystemExit(done.code if exchange.counted >= exchange.at else 90)

    return forked(work)


def as_tenant(folder: Path, work: Callable[[], None]) -> Callable[[], None]:
    """Have the work done in `folder` by a process that is the tenant's."""

    def do() -> None:
        child = os.fork()
        if not child:
            os.chdir(folder)
            os.setgroups([])
            os.setgid(TENANT)
            os.setuid(TENANT)
            work()
            os._exit(0)
        os.waitpid(child, 0)

    return do


def link_instead(config: str, target: Path) -> None:
    os.rename(config, f"{config}.old")  # noqa: PTH104 - relative to where the process is
    os.symlink(target, config)  # noqa: PTH211 - as above


def every_moment(dom0: Dom0, command: Words, act: Callable[[], None], victim: Path) -> list[int]:
    """Run once for each moment, from the same state; the victim stays as it is. Exit codes."""
    before = {path: path.read_bytes() for path in dom0.configs.iterdir() if path.is_file()}
    kept = dict(files(dom0.out))
    status = victim.stat()
    codes: list[int] = []
    while not codes or codes[-1] != 90:
        reset(dom0, before, kept)
        exchange = Exchange("web01.cfg", len(codes), act)
        codes.append(run_with(dom0.words(str(command[0]), *command[1:]), exchange).code)
        assert victim.read_bytes() == SECRET, f"overwritten at moment {len(codes) - 1}"
        now = victim.stat()
        assert (now.st_ino, now.st_mode, now.st_uid) == (
            status.st_ino,
            status.st_mode,
            status.st_uid,
        )
        assert len(codes) < 1000
    assert len(codes) > 2, "no moment was tried"
    return codes[:-1]


def files(folder: Path) -> list[tuple[Path, bytes]]:
    return [(path, path.read_bytes()) for path in folder.rglob("*") if path.is_file()]


def reset(dom0: Dom0, configs: dict[Path, bytes], out: dict[Path, bytes]) -> None:
    """Put configs and outputs back."""
    owner = dom0.configs.stat()
    if dom0.configs.is_symlink():
        dom0.configs.unlink()
        (dom0.root / "moved").rename(dom0.configs)
        owner = dom0.configs.stat()
    for folder, content in ((dom0.configs, configs), (dom0.out, out)):
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_symlink() or (path.is_file() and path not in content):
                path.unlink()
        for path, data in content.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.chown(path, owner.st_uid, owner.st_gid)


@pytest.fixture
def secret(dom0: Dom0) -> Path:
    """A file that root alone may read and write."""
    path = dom0.root / "secret.cfg"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    return path


def prepared(dom0: Dom0, command: str, owner: int = 0) -> Words:
    config = dom0.guest()
    if command == "restore":
        assert dom0.run("convert", "--in-place").code == 0
    for path in (dom0.configs, config):
        os.chown(path, owner, owner)
    return ("convert", "--in-place", config) if command == "convert" else ("restore", config)


@pytest.mark.parametrize("command", ["convert", "restore"])
def test_a_tenant_puts_a_link_in_place_of_his_config(
    dom0: Dom0, secret: Path, command: str
) -> None:
    words = prepared(dom0, command, TENANT)
    act = as_tenant(dom0.configs, lambda: link_instead("web01.cfg", secret))
    assert set(every_moment(dom0, words, act, secret)) == {1}


@pytest.mark.parametrize("command", ["convert", "restore"])
def test_somebody_of_root_puts_a_link_in_place_of_it(
    dom0: Dom0, secret: Path, command: str
) -> None:
    words = prepared(dom0, command)
    config = str(dom0.configs / "web01.cfg")
    codes = every_moment(dom0, words, lambda: link_instead(config, secret), secret)
    assert set(codes) == {0, 1}


@pytest.mark.parametrize("command", ["convert", "restore"])
def test_the_folder_is_exchanged(dom0: Dom0, command: str) -> None:
    words = prepared(dom0, command)
    other = dom0.root / "other"
    other.mkdir()
    victim = other / "web01.cfg"
    victim.write_bytes(SECRET)

    def exchange() -> None:
        dom0.configs.rename(dom0.root / "moved")
        dom0.configs.symlink_to(other)

    every_moment(dom0, words, exchange, victim)


def test_an_edit_between_read_and_write_is_not_lost(dom0: Dom0) -> None:
    words = prepared(dom0, "convert")
    config, code, at = dom0.configs / "web01.cfg", 0, 0
    before = config.read_bytes()

    def edit() -> None:
        new = config.with_name("new")
        new.write_bytes(SECRET)
        new.rename(config)

    kept = dict(files(dom0.out))
    while code != 90:
        reset(dom0, {config: before}, kept)
        code = run_with(
            dom0.words(str(words[0]), *words[1:]),
            Exchange("web01.cfg", at, edit, until_rename=True),
        ).code
        if code != 90:
            assert config.read_bytes() == SECRET, f"lost at moment {at}"
        at += 1
