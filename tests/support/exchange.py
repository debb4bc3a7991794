"""A file exchanged at one moment of a run: told by Python itself (sys.addaudithook), by no clock.

Nothing here needs pytest, so that the small process that forks command lines can load it.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.cli import run_here

TENANT = 12345
_CHANGES = {"os.rename", "os.remove", "os.chmod", "os.chown", "os.mkdir", "os.rmdir"}
NO_SUCH_MOMENT = 90  # exit code


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


def run_with(words: list[str], exchange: Exchange) -> None:
    """Be the command line; NO_SUCH_MOMENT where it ended before the moment came."""
    sys.addaudithook(exchange)
    done = run_here(*words)
    assert "Traceback" not in done.err, done.err
    raise SystemExit(done.code if exchange.counted >= exchange.at else NO_SUCH_MOMENT)


def as_tenant(folder: Path, work: Callable[[], None]) -> None:
    """Do the work in `folder`, in a process that is the tenant's."""
    child = os.fork()
    if not child:
        os.chdir(folder)
        os.setgroups([])
        os.setgid(TENANT)
        os.setuid(TENANT)
        work()
        os._exit(0)
    os.waitpid(child, 0)


def link_instead(config: str, target: Path) -> None:
    """Let a link lie in place of the config."""
    os.rename(config, f"{config}.old")  # noqa: PTH104 - relative to where the process is
    os.symlink(target, config)  # noqa: PTH211 - as above


def exchange_folder(folder: Path, moved: Path, other: Path) -> None:
    """Let a link to another folder lie in place of this one."""
    folder.rename(moved)
    folder.symlink_to(other)


def edit(config: Path, text: bytes) -> None:
    """Replace a config as editors do."""
    new = config.with_name("new")
    new.write_bytes(text)
    new.rename(config)
