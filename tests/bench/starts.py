"""How long commands take before their own work: CPU time, beside what typer alone takes to load.

Least of several runs, in turn: a busy machine changes that little.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.command import FOLDER, SHIMTOOL, Section
from tests.support.dom0 import make_dom0

RUNS = 9
TARGET = 1.5  # of what `import typer` takes


def cpu(argv: Sequence[str | Path]) -> float:
    """Return the CPU time of a run, in seconds."""
    # Byte code is there where shimtool is installed, and in the image.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, capture_output=True, check=False, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure() -> Section:
    """Run it all."""
    root = FOLDER / "starts"
    root.mkdir()
    dom0 = make_dom0(root)
    folders: list[str | Path] = ["--in", dom0.configs, "--out", dom0.out]
    commands: dict[str, list[str | Path]] = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import typer'": [sys.executable, "-c", "import typer"],
        "shimtool --version": [*SHIMTOOL, "--version"],
        "shimtool help": [*SHIMTOOL, "help"],
        "shimtool host": [*SHIMTOOL, "host"],
        "shimtool shims list": [*SHIMTOOL, "shims", "list"],
        "shimtool status": [*SHIMTOOL, "status", "--out", dom0.out],
        "shimtool scan": [*SHIMTOOL, "scan", *folders],
        "shimtool convert": [*SHIMTOOL, "convert", *folders],
    }
    rounds = [{name: cpu(argv) for name, argv in commands.items()} for _ in range(RUNS)]
    taken = {name: min(each[name] for each in rounds) for name in commands}
    shutil.rmtree(root)
    typer = taken["python -c 'import typer'"]
    return Section(
        "Start of each command",
        ["command", "CPU time", "/ `import typer`"],
        [
            [f"`{name}`", f"{seconds * 1000:.0f} ms", f"{seconds / typer:.2f}x"]
            for name, seconds in taken.items()
        ],
        list(taken.items()),
        f"Where there are no guests. Least of {RUNS} runs; at most {TARGET}x is the aim.",
    )
