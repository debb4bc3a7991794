"""Files exchanged at any moment of --in-place and restore: no other file is ever written.

Python tells (sys.addaudithook) before it opens, renames or changes a file. The exchange is made
at one such moment, in each run at another one, until all had their turn: no clock decides.
"""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.cli import in_child
from tests.support.dom0 import Dom0
from tests.support.exchange import (
    NO_SUCH_MOMENT,
    TENANT,
    Exchange,
    as_tenant,
    edit,
    exchange_folder,
    link_instead,
    run_with,
)

Words = tuple[str | Path, ...]
SECRET = b"# root's own\nname = 'secret'\n"


def code_with(dom0: Dom0, command: Words, exchange: Exchange) -> int:
    """Run the command line; return its exit code, or NO_SUCH_MOMENT."""
    words = [str(word) for word in dom0.words(str(command[0]), *command[1:])]
    done = in_child(partial(run_with, words, exchange))
    assert "Traceback" not in done.err, done.err
    return done.code


def every_moment(dom0: Dom0, command: Words, act: Callable[[], None], victim: Path) -> list[int]:
    """Run once for each moment, from the same state; the victim stays as it is. Exit codes."""
    before = {path: path.read_bytes() for path in dom0.configs.iterdir() if path.is_file()}
    kept = dict(files(dom0.out))
    status = victim.stat()
    codes: list[int] = []
    while not codes or codes[-1] != NO_SUCH_MOMENT:
        reset(dom0, before, kept)
        codes.append(code_with(dom0, command, Exchange("web01.cfg", len(codes), act)))
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
    act = partial(as_tenant, dom0.configs, partial(link_instead, "web01.cfg", secret))
    assert set(every_moment(dom0, words, act, secret)) == {1}


@pytest.mark.parametrize("command", ["convert", "restore"])
def test_somebody_of_root_puts_a_link_in_place_of_it(
    dom0: Dom0, secret: Path, command: str
) -> None:
    words = prepared(dom0, command)
    config = str(dom0.configs / "web01.cfg")
    codes = every_moment(dom0, words, partial(link_instead, config, secret), secret)
    assert set(codes) == {0, 1}


@pytest.mark.parametrize("command", ["convert", "restore"])
def test_the_folder_is_exchanged(dom0: Dom0, command: str) -> None:
    words = prepared(dom0, command)
    other = dom0.root / "other"
    other.mkdir()
    victim = other / "web01.cfg"
    victim.write_bytes(SECRET)
    act = partial(exchange_folder, dom0.configs, dom0.root / "moved", other)
    every_moment(dom0, words, act, victim)


def test_an_edit_between_read_and_write_is_not_lost(dom0: Dom0) -> None:
    words = prepared(dom0, "convert")
    config, code, at = dom0.configs / "web01.cfg", 0, 0
    before = config.read_bytes()
    act = partial(edit, config, SECRET)
    kept = dict(files(dom0.out))
    while code != NO_SUCH_MOMENT:
        reset(dom0, {config: before}, kept)
        code = code_with(dom0, words, Exchange("web01.cfg", at, act, until_rename=True))
        if code != NO_SUCH_MOMENT:
            assert config.read_bytes() == SECRET, f"lost at moment {at}"
        at += 1
