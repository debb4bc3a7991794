"""Every command that README and manual show is run, on a dom0 as the texts have it.

What needs an engine, another machine or a real Xen is run elsewhere: tests/appliance (the uses
below "Other ways", the signature), tests/e2e (xl), tests/boot (boot-test).
"""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from shimtool.assets import find_assets
from tests.docs.test_readme import code
from tests.support.cli import shimtool_cli
from tests.support.dom0 import Dom0
from tests.support.own_shims import own_shims
from tests.support.pages import PAGES, TEXTS

ELSEWHERE = {"boot-test", "shims"}  # shims: below
# Synopses, labels of tables, and the files of a CI job, which the image for CI has.
NOT_HERE = re.compile(r"\.\.\.|\[|\||, |guests|converted")


def commands() -> list[str]:
    """The command lines of all texts, each once."""
    found = re.findall(r"^shimtool ([a-z].*)$", "\n".join(map(code, texts())), re.M)
    return sorted(
        {each for each in found if not NOT_HERE.search(each) and each.split()[0] not in ELSEWHERE}
    )


def texts() -> list[str]:
    return [path.read_text() for path in TEXTS.values()]


def here(word: str, dom0: Dom0) -> str:
    """A word of a command line as it is called here."""
    word = word.replace("/etc/xen", str(dom0.configs)).replace(
        "/var/lib/xen/shimtool", str(dom0.out)
    )
    return {"FILE": str(dom0.out / "web01.iso"), "web01.cfg": str(dom0.configs / "web01.cfg")}.get(
        word, word
    )


@pytest.mark.parametrize("line", commands())
def test_a_command_as_it_is_shown(dom0: Dom0, line: str) -> None:
    """After a conversion, on a Xen as the first screen has it."""
    command, *words = [here(word, dom0) for word in shlex.split(line)]
    dom0.guest()
    first = ["--xen", "4.9.2", *(["--in-place"] if command == "restore" else [])]
    assert dom0.run("convert", *first).code == 0
    done = dom0.run(command, *words)
    assert done.code == 0, done.err


def test_there_are_commands() -> None:
    assert {"scan", "plan", "convert", "verify", "status", "restore", "host"} <= {
        line.split()[0] for line in commands()
    }


def test_shims_are_added_as_it_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's shim tells its version: that one stands for the version that is said of it."""
    shim = next(path for path in find_assets().shims.iterdir() if "debian" in path.name)
    lines = re.findall(r"^shimtool (shims add .*xen-shim)$", PAGES["shims"].read_text(), re.M)
    assert lines
    for number, line in enumerate(lines):
        folder = tmp_path / str(number)
        folder.mkdir()
        shutil.copy(shim, folder / "xen-shim")
        own_shims(folder, monkeypatch)
        words = line.replace("4.10.4", shim.name.partition("-")[0]).replace("vixen", "pvshim")
        done = shimtool_cli(*words.replace("xen-shim", str(folder / "xen-shim")).split())
        assert done.code == 0, done.err
        assert done.out.startswith("added: ")
