"""`make deb`: a package that a Debian dom0 installs, uses and removes again."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.appliance import busybox
from tests.appliance.conftest import Dist
from tests.docs.test_readme import COMMANDS
from tests.support.debs import ROOT
from tests.support.pages import DOCS

pytestmark = pytest.mark.appliance

CONFIG = "/etc/xen/web01.cfg"
# What is typed, and what a shell offers for the last word.
COMPLETED = {
    "conv": ["convert"],
    "convert --in": ["--in", "--in-place"],
    "convert --out x --j": ["--jobs", "--json"],
    "shims a": ["add"],
    "shims add --k": ["--kind"],
    "help k": ["keys"],
    "scan ": [],  # the shell's own: files
}


def make(dist: Dist, folder: Path) -> Path:
    environ = {**os.environ, "PYTHON": sys.executable, "SOURCE_DATE_EPOCH": "1764373200"}
    program = ROOT / "container" / "deb" / "make-deb"
    subprocess.run([program, dist.folder, folder], check=True, env=environ)
    (package,) = folder.iterdir()
    return package


@pytest.fixture(scope="module")
def package(dist: Dist, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(dist, tmp_path_factory.mktemp("deb") / "made")


@pytest.fixture
def dom0(tmp_path: Path) -> Path:
    """A dom0 with busybox and an empty database of dpkg's."""
    root = tmp_path / "dom0"
    busybox.make_root(root, (*busybox.APPLETS, "xzcat"))
    for name in ("info", "updates", "triggers"):
        (root / "var/lib/dpkg" / name).mkdir(parents=True)
    (root / "var/lib/dpkg/status").touch()
    return root


def dpkg(root: Path, *words: str | Path) -> None:
    """Run dpkg on another root: busybox has no packages that it could depend on."""
    command = ["dpkg", f"--root={root}", "--force-depends", *words]
    subprocess.run(command, check=True, capture_output=True)


def test_installed_used_and_removed(package: Path, dom0: Path) -> None:
    dpkg(dom0, "--install", package)
    with busybox.mounted(dom0):
        done = busybox.on_dom0(dom0, "/usr/sbin/shimtool", "convert", "--xen", "4.9.2", CONFIG)
    assert done.code == 0, done.err
    dpkg(dom0, "--purge", "shimtool")
    left = {path.name for path in dom0.rglob("*") if "shimtool" in path.name}
    assert left == {"shimtool", "shimtool-dm", "shimtool.yaml"}  # /var/lib/xen/shimtool
    assert (dom0 / "var/lib/xen/shimtool/web01.iso").is_file()
    assert not (dom0 / "var/cache/shimtool").exists()


def test_what_is_in_it(package: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path], check=True)
    shown = {path.name.removesuffix(".gz") for path in (tmp_path / "usr/share/man").rglob("*.gz")}
    assert shown == {path.stem for path in DOCS.glob("*.[0-9].md")}
    assert "MIT" in (tmp_path / "usr/share/doc/shimtool/copyright").read_text()


def test_what_the_manual_links_is_in_it(package: Path, tmp_path: Path) -> None:
    """The hook, and the timer, whose service runs a program that is there."""
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path], check=True)
    shown = (DOCS / "shimtool-how-it-works.7.md").read_text()
    linked = set(re.findall(r"^ln -s (/usr/lib/\S+) /etc/kernel/", shown, re.M))
    (timer,) = re.findall(r"^systemctl enable --now (\S+)", shown, re.M)
    units = tmp_path / "usr/lib/systemd/system"
    assert (units / timer).is_file()
    service = (units / timer).with_suffix(".service").read_text()
    run_by_it = re.findall(r"^ExecStart=(\S+)", service, re.M)
    assert len(linked) == len(run_by_it) == 1
    for path in (*linked, *run_by_it):
        assert os.access(f"{tmp_path}{path}", os.X_OK), path


def test_made_twice_it_is_the_same(package: Path, dist: Dist, tmp_path: Path) -> None:
    assert make(dist, tmp_path / "again").read_bytes() == package.read_bytes()


def by_bash(root: Path, *words: str) -> list[str]:
    """What bash offers for the last word."""
    script = root / "usr/share/bash-completion/completions/shimtool"
    program = (
        f'. {script}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _shimtool;'
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    command = ["bash", "-c", program, "bash", "shimtool", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.split()


def by_zsh(root: Path, *words: str) -> list[str]:
    """What zsh would choose from: its own `compadd` works in its line editor alone."""
    script = root / "usr/share/zsh/vendor-completions/_shimtool"
    program = (
        'compadd() { shift; printf "%s\\n" "$@"; }; _files() { :; };'
        f' words=("$@"); CURRENT=$#; . {script}'
    )
    command = ["zsh", "-fc", program, "zsh", "shimtool", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [word for word in done.stdout.split() if word.startswith(words[-1])]


def by_fish(root: Path, *words: str) -> list[str]:
    """What fish offers for the last word, less files of the current folder."""
    script = root / "usr/share/fish/vendor_completions.d/shimtool.fish"
    line = " ".join(("shimtool", *words))
    program = f"source {script}; complete -C '{line}'"
    command = ["fish", "--no-config", "-c", program]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=root / "usr/sbin"
    )
    return [word for word in done.stdout.split() if word != "shimtool"]


@pytest.mark.parametrize("completed", [by_bash, by_zsh, by_fish])
def test_shells_complete(
    package: Path, tmp_path: Path, completed: Callable[..., list[str]]
) -> None:
    subprocess.run(["dpkg-deb", "--extract", package, tmp_path], check=True)
    assert {words[0] for words in COMMANDS} <= {*completed(tmp_path, "")}
    for words, offered in COMPLETED.items():
        assert sorted(completed(tmp_path, *words.split(" "))) == offered, words
