"""Whatever a config says and whatever lies in --out: nothing is written, or run, outside of it."""

import os
import re
from pathlib import Path

import pytest

from shimtool.output.loader_config import with_pre_stage
from tests.faults import strace
from tests.faults.scenarios import IN_PLACE, Trial, Words
from tests.support.dom0 import Dom0

pytestmark = pytest.mark.usefixtures("small_shim")

CANARY = "/tmp/shimtool-canary"  # noqa: S108 - it must never appear

NAMES = [
    *("../../etc/cron.d/x", "/etc/cron.d/x", "..", ".", "", "a/b", "a\\\\nb", "x\\\\0y"),
    *(f"$(touch {CANARY})", f"`touch {CANARY}`", f"x; touch {CANARY}", f"x' && touch {CANARY} '"),
    *("a b", "é", "\u202egfc.exe", "a\u200bb", "con\u2044fig", "\uff0a"),
    *("-rf", "--help", "~root", "%s%n", "{0}", "*", "?"),
    *("x.iso", "shimtool", "shimtool.yaml", ".lock", "shimtool-dm", "originals", "xen-shim-4.17"),
    *("A" * 300, "A" * 4096, "x,,y", "x,file=/etc/shadow", ".shimtool-x.tmp", "nul\u0000"),
]  # fmt: skip
LINES = [
    f'extra = "$(touch {CANARY}) `touch {CANARY}` ; touch {CANARY} | touch {CANARY} & > {CANARY}"',
    f"extra = 'quiet\\nLABEL x\\n KERNEL {CANARY}'",
    "extra = 'a --- /evil b'",
    f"root = '/dev/xvda\\\\\\n{CANARY}'",
    "kernel = '/boot/../../../../etc/shadow'",
    "kernel = '/boot/escape/shadow'",
    "ramdisk = '/boot/outside'",
    "ramdisk = '/boot/vmlinuz\\n---'",
    "device_model_override = '/bin/sh'",
    "device_model_args = ['-drive', 'file=/etc/shadow']",
    f"disk = ['phy:/dev/x,xvda,w;touch {CANARY}', 'script=/bin/sh,vdev=xvdb,target=$(id)']",
    f"vif = ['script=/bin/sh;touch {CANARY}']",
    "bootloader = 'pygrub'\nkernel = ''\nbootloader_args = ['--entry=$(id)', '-q;id']",
    'on_crash = "`id`"',
]
_WRITES = re.compile(r"O_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)")
_CHANGES = ("rename", "unlink", "mkdir", "rmdir", "link", "symlink", "truncate", "chmod", "chown",
            "mknod", "renameat2", "unlinkat", "linkat", "symlinkat", "mkdirat", "renameat",
            "fchmodat", "fchownat", "lchown", "mknodat", "setxattr", "utimensat")  # fmt: skip
_PATH = re.compile(r'(?:<([^>]*)>, )?"((?:[^"\\]|\\.)*)"')  # relative ones after their folder
_HARMLESS = re.compile(r"</dev/(?:null|tty|pts/\d+)[<>]|= -1 E(?:NOENT|LOOP|NXIO)")


def changed(words: list[str], log: Path) -> tuple[set[Path], int]:
    """Run under strace; return every path that it writes to or changes, and the exit code."""
    names = ("openat", "open", "creat", "execve", *_CHANGES)
    done = strace.traced(words, log, "-e", f"trace={','.join(names)}")
    assert "Traceback" not in done.err, done.err
    found = set()
    programs = 0
    for line in log.read_text(errors="surrogateescape").splitlines():
        call = re.match(r"\d+ +(\w+)\((.*)", line)
        if not call or _HARMLESS.search(line):
            continue
        programs += call[1] == "execve"
        if call[1] in ("open", "openat", "creat") and not _WRITES.search(call[2]):
            continue
        if call[1] != "execve":
            found |= {Path.cwd() / folder / path for folder, path in _PATH.findall(call[2])}
    assert not programs, "it started another program"
    return found, done.code


def hostile(trial: Trial) -> Dom0:
    """Configs of all these names and lines; links out of /boot."""
    trial.rewind()
    dom0 = trial.dom0
    boot = "kernel = '/boot/vmlinuz'\nramdisk = '/boot/initrd'\n"
    for number, name in enumerate(NAMES):
        dom0.config(f"n{number}.cfg", f'name = "{name}"\n{boot}')
    for number, line in enumerate(LINES):
        dom0.config(f"l{number}.cfg", f"name = 'l{number}'\n{boot}{line}\n")
    (dom0.boot / "escape").symlink_to("../../../../../../../../etc")
    (dom0.boot / "outside").symlink_to(trial.dom0.root.parent / "outside")
    (trial.dom0.root.parent / "outside").write_bytes(b"secret of another folder")
    return dom0


@pytest.mark.parametrize("command", [("convert",), ("convert", "--xen", "4.17.7"), IN_PLACE])
def test_nothing_outside_of_out(trial: Trial, command: Words) -> None:
    dom0 = hostile(trial)
    words = trial.words(command)
    paths, code = changed(words, dom0.root.parent / "strace")
    places = [dom0.out, *([dom0.configs] if command == IN_PLACE else [])]
    for path in paths:
        real = Path(os.path.realpath(path.parent)) / path.name
        assert any(real.is_relative_to(place) for place in places), path
    assert code == 1
    assert not Path(CANARY).exists()
    made = {path.stem for path in dom0.out.glob("*.cfg")}
    assert {"one", "two", "three", "l0"} <= made
    assert not {"l4", "l5", "l6"} & made, "a link or .. led out of the mapping"
    for path in dom0.out.rglob("*"):
        if path.is_file():
            assert b"secret of another folder" not in path.read_bytes()


def test_the_boot_loaders_config_has_nothing_of_a_guest(trial: Trial) -> None:
    """ISOLINUX knows no quoting: a newline or " --- " would be a command or a module."""
    dom0 = hostile(trial)
    trial.run(("convert", "--force"))
    isos = list(dom0.out.glob("*.iso"))
    assert len(isos) > 10
    for iso in isos:
        data = iso.read_bytes()
        config = with_pre_stage(ramdisk=True)
        assert data.count(config + b"\0") == data.count(b"DEFAULT shim\n") == 1, iso
    verified = trial.run(("verify", *map(str, isos)))
    assert verified.code == 0, verified.said


LINKED = ("two.iso", "two.cfg", "shimtool-dm", "shimtool.yaml", ".lock", "originals")


@pytest.mark.parametrize("name", LINKED)
@pytest.mark.parametrize("there", [True, False])
def test_links_in_out_lead_nowhere(trial: Trial, name: str, there: bool) -> None:
    """What a link under an output's name leads to is neither written nor made."""
    trial.rewind()
    outside = trial.dom0.root.parent / "outside"
    target = outside / "precious"
    outside.mkdir()
    if there and name == "originals":
        target.mkdir()
    elif there:
        target.write_bytes(b"{}" if name == "shimtool.yaml" else b"precious")
    (trial.dom0.out / name).symlink_to(target)
    before = {path: path.is_dir() or path.read_bytes() for path in outside.rglob("*")}
    for command in (("convert",), IN_PLACE, ("restore",)):
        ended = trial.run(command)
        assert "Traceback" not in ended.said
        assert ended.code == 0 or "error: " in ended.said
    assert {path: path.is_dir() or path.read_bytes() for path in outside.rglob("*")} == before


def test_in_place_writes_through_a_link_to_the_config_alone(trial: Trial) -> None:
    """etc-xen/auto/x -> ../x.cfg is how guests start by themselves; a link out of it is refused."""
    trial.rewind()
    outside = trial.dom0.root.parent / "elsewhere.cfg"
    text = (trial.dom0.configs / "one.cfg").read_text().replace('"one"', '"four"')
    outside.write_text(text)
    (trial.dom0.configs / "four.cfg").symlink_to("/nowhere/elsewhere.cfg")
    ended = trial.run(IN_PLACE)
    assert ended.code == 1
    assert "four.cfg" in ended.said
    assert outside.read_text() == text
