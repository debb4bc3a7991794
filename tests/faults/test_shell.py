"""Names and arguments made to be run: shimtool-dm passes them on, and nothing is executed."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.device_model.script_runner import (
    HEAD,
    OUR_CD,
    SCRIPT,
    SHELLS,
    program,
    run_dm,
    shell_command,
)

HOSTILE = [
    "$(touch CANARY)", "`touch CANARY`", "; touch CANARY;", "& touch CANARY &", "| touch CANARY",
    "\n touch CANARY \n", "' ; touch CANARY ; '", '" ; touch CANARY ; "', "$(touch${IFS}CANARY)",
    "> CANARY", "< /etc/passwd > CANARY", "${x:=$(touch CANARY)}", "$((`touch CANARY`))",
    "x[$(touch CANARY)]", "a=$(touch CANARY)", "-x", "--", "-c", "*", "?", "[a-z]*", "~", "~root",
    "\\", "\\\\", "'", '"', "\\$(touch CANARY)", "%s%n", "#", "!!", "{a,b}", "\t", " ", "",
    "é", "\udcff\udcfe", "\x1b[31m", "IFS=x", "PATH=.", "a" * 100_000, "\r", "\u2028", "0", "../x",
    "() { :;}; touch CANARY", "BASH_ENV=CANARY", "$'\\x41'", "<(touch CANARY)", "eval touch CANARY",
]  # fmt: skip
# Options of each kind that the script looks into, and some that it does not know.
KEPT = ("-name", "-uuid", "-append", "-kernel", "-serial")
GO = ("-drive", "-device", "-blockdev", "-netdev", "-chardev", "-vnc", "-object", "-nic")
OPTIONS = [*KEPT, *GO]


@pytest.fixture(params=sorted(SHELLS))
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is current, where a CANARY would appear, with files for patterns to match."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b", "x"):
        (tmp_path / name).touch()
    program(tmp_path / "bin" / "qemu")
    return tmp_path


def unharmed(place: Path) -> None:
    assert sorted(path.name for path in place.iterdir()) == ["a", "b", "bin", "x"]


@pytest.mark.parametrize("option", OPTIONS)
def test_values_of_options(shell: str, place: Path, option: str) -> None:
    """Each by itself, and inside a list of sub-options."""
    for before in ("", "id=shimtool-cd,file="):
        words = [word for text in HOSTILE for word in (option, before + text)]
        done = run_dm(shell, [*HEAD.split(), *words, *OUR_CD.split()], place / "bin" / "qemu")
        assert done.code == 0, done.errors
        rest = done.arguments[len(HEAD.split()) :]
        given = [os.fsencode(word) for word in words]
        if option in KEPT:
            assert rest[: len(words)] == given
        else:  # emulated things go, as a whole
            assert set(rest) <= {*given, *map(os.fsencode, [*OUR_CD.split(), "-net", "none"])}
    unharmed(place)


def test_words_that_are_no_options(shell: str, place: Path) -> None:
    words = [text for text in HOSTILE if not text.startswith("-")]
    done = run_dm(shell, [*HEAD.split(), *words], place / "bin" / "qemu")
    assert done.code == 0, done.errors
    assert done.arguments[len(HEAD.split()) :] == [os.fsencode(word) for word in words]
    unharmed(place)


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE if text and len(text) < 200 and "/" not in text]
)
def test_the_names_of_guest_and_folder(shell: str, place: Path, text: str) -> None:
    """libvirt's guests get the ISO that lies beside the script under their name."""
    folder = place / "bin" / f"d{text}"
    folder.mkdir()
    script = folder / "shimtool-dm"
    script.write_bytes(SCRIPT.read_bytes())
    script.chmod(0o755)
    qemu = program(folder / "qemu-system-i386")
    (folder / f"{text}.iso").touch()
    words = ["-xen-domid", "7", "-name", text, "-serial", "pty", "-m", "512"]
    done = subprocess.run(
        [*shell_command(shell), script, *words],
        env={"PATH": "/nonexistent", "SHIMTOOL_QEMU": str(qemu)},
        capture_output=True, check=True, timeout=900,
    )  # fmt: skip
    given = done.stdout.split(b"\0")[2:]
    assert given[: len(words)] == [os.fsencode(word) for word in words]
    cd = b"if=none,id=shimtool-cd,media=cdrom,readonly=on,format=raw,file="
    iso = os.fsencode(str(folder / f"{text}.iso").replace(",", ",,"))
    assert (cd + iso) in given
    unharmed(place)


@pytest.mark.parametrize(
    "text", ["$(touch CANARY)", "`touch CANARY`", "; touch CANARY", "x y", "*"]
)
def test_the_environment(shell: str, place: Path, text: str) -> None:
    done = run_dm(
        shell, HEAD.split(), place / "bin" / "qemu",
        {"SHIMTOOL_QEMU": text, "IFS": "m", "ENV": text, "BASH_ENV": text, "PS4": text},
    )  # fmt: skip
    assert done.code == 1
    assert "is not a program" in done.errors
    unharmed(place)
