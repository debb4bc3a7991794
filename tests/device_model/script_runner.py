"""Runs the device-model script as libxl does, with a stand-in for QEMU that shows its arguments."""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "container" / "device-model" / "shimtool-dm"
DATA = Path(__file__).parent / "data"
# What /bin/sh is on dom0s: Debian's, a tiny one's, Red Hat's, a ksh.
SHELLS: Mapping[str, tuple[str, ...]] = {
    "dash": ("dash",),
    "busybox": ("busybox", "sh"),
    "bash": ("bash", "--posix"),
    "mksh": ("mksh",),
}
# The kernel's own record of the arguments, so that no shell can alter it on the way here.
SHOW_ARGUMENTS = "#!/bin/sh\n/bin/cat /proc/$$/cmdline\n"

# Parts of a converted guest's arguments: what our config adds, and what libxl always writes.
# With a serial port given, the script leaves xenstore alone: a dom0 may run these tests.
OUR_CD = (
    "-device ahci,id=shimtool-ahci"
    " -drive if=none,id=shimtool-cd,media=cdrom,readonly=on,format=raw,file=/x/web01.iso"
    " -device ide-cd,bus=shimtool-ahci.0,drive=shimtool-cd,bootindex=0"
)
HEAD = "-xen-domid 7 -no-shutdown -nodefaults -name web01 -vnc none -display none -serial pty"
TAIL = f"-machine xenfv {OUR_CD} -m 512"


@dataclass(frozen=True)
class Outcome:
    """How a run of the script ended; `arguments` is what QEMU was given."""

    code: int
    arguments: list[bytes]
    errors: str


def shell_command(name: str) -> list[str]:
    """Return the full argv of a shell (the script then runs without any PATH)."""
    program, *options = SHELLS[name]
    path = shutil.which(program)
    assert path, f"{program} is needed for this test: install it"
    return [path, *options]


def program(path: Path, text: str = SHOW_ARGUMENTS) -> Path:
    """Write an executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def run_dm(
    shell: str,
    arguments: Sequence[str | bytes],
    qemu: Path,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """Run the script with nothing useful in its environment but SHIMTOOL_QEMU."""
    done = subprocess.run(
        [*shell_command(shell), SCRIPT, *arguments],
        env={"PATH": "/nonexistent", "SHIMTOOL_QEMU": str(qemu), **(environment or {})},
        capture_output=True,
        check=False,
        timeout=900,
    )
    words = done.stdout.split(b"\0")[:-1]
    return Outcome(done.returncode, words[2:], os.fsdecode(done.stderr))  # past "/bin/sh", name


def recorded(version: str) -> list[list[str]]:
    """Return the argument lists that this libxl gave QEMU, with our options of today."""
    text = (DATA / f"xen-{version}.txt").read_text()
    text = text.replace("drive=shimcd,bus=shimahci.0", "bus=shimahci.0,drive=shimcd")
    text = text.replace("shimahci", "shimtool-ahci").replace("shimcd", "shimtool-cd")
    return [guest.splitlines() for guest in text.rstrip("\n").split("\n\n")]


def without(arguments: Iterable[str], options: Iterable[str]) -> list[str]:
    """Return the arguments less these "-option value" or "-option" texts, each once."""
    rest = list(arguments)
    for option in options:
        words = option.split(" ")
        places = (i for i in range(len(rest)) if rest[i : i + len(words)] == words)
        at = next(places, None)
        assert at is not None, f"not among the arguments: {option}"
        del rest[at : at + len(words)]
    return rest


def text(words: Iterable[bytes]) -> list[str]:
    return [os.fsdecode(word) for word in words]
