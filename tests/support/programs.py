"""Other programs that tests need: run to the end, or the test fails with what they said."""

import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path


def run(argv: Sequence[str | Path], *, cwd: Path | None = None) -> str:
    """Run a program, no shell; return its standard output as text."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, capture_output=True, check=False, cwd=cwd)
    said = done.stderr.decode(errors="backslashreplace").strip()[-2000:]
    assert not done.returncode, f"{shlex.join(words)}: exit code {done.returncode}: {said}"
    return done.stdout.decode(errors="backslashreplace")
