"""libvirt cannot name the boot CD: the script adds the guest's ISO that lies beside it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.device_model.script_runner import HEAD, OUR_CD, SCRIPT, TAIL, run_dm, shell_command, text

PLAIN = "-xen-domid 7 -nodefaults -name NAME -vnc none -display none -serial pty -machine xenfv"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder as --host-out is, with the script, in a place of an awkward name."""
    folder = tmp_path / "out, of 'the' $way"
    folder.mkdir()
    shutil.copy(SCRIPT, folder / "shimtool-dm")
    return folder


def started(shell: str, out: Path, qemu: Path, words: list[str]) -> list[str]:
    done = subprocess.run(
        [*shell_command(shell), out / "shimtool-dm", *words],
        env={"PATH": "/nonexistent", "SHIMTOOL_QEMU": str(qemu)},
        capture_output=True,
        check=True,
        timeout=900,
    )
    return text(done.stdout.split(b"\0")[2:-1])


def options(name: str) -> list[str]:
    return [name if word == "NAME" else word for word in PLAIN.split()]


@pytest.mark.parametrize(
    "name", ["web01", "yes", "two words", "a,b", ",", "-usb", "$(reboot)", "*"]
)
def test_the_iso_beside_the_script_is_the_boot_cd(
    shell: str, qemu: Path, out: Path, name: str
) -> None:
    (out / f"{name}.iso").touch()
    file = str(out / f"{name}.iso").replace(",", ",,")
    cd = [word.replace("/x/web01.iso", file) for word in OUR_CD.split()]
    assert started(shell, out, qemu, options(name)) == [*options(name), *cd]


@pytest.mark.parametrize("name", ["web02", "../web01", "", "sub/web01"])
def test_no_other_file_is(shell: str, qemu: Path, out: Path, name: str) -> None:
    (out / "web01.iso").touch()
    (out.parent / "web01.iso").touch()
    (out / ".iso").touch()
    (out / "sub").mkdir()
    (out / "sub" / "web01.iso").touch()
    assert started(shell, out, qemu, options(name)) == options(name)


def test_a_boot_cd_in_the_arguments_stands(shell: str, qemu: Path, out: Path) -> None:
    (out / "web01.iso").touch()
    words = f"{HEAD} {TAIL}".split()
    assert started(shell, out, qemu, words) == words


def test_a_call_for_information_gets_none(shell: str, qemu: Path, out: Path) -> None:
    (out / "web01.iso").touch()
    assert started(shell, out, qemu, ["-help", "-name", "web01"]) == ["-help", "-name", "web01"]


def test_without_an_iso_nothing_is_added(shell: str, qemu: Path) -> None:
    assert not (SCRIPT.parent / "NAME.iso").exists()
    assert text(run_dm(shell, PLAIN.split(), qemu).arguments) == PLAIN.split()
    assert os.access(SCRIPT, os.X_OK)
