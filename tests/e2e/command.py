"""The real command line, as its users run it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.debs import ROOT

# Runs shimtool with the arguments given to it.
Program = Callable[..., subprocess.CompletedProcess[str]]


def shimtool(assets: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `shimtool` with an assets folder."""
    return subprocess.run(
        [sys.executable, "-m", "shimtool", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"SHIMTOOL_ASSETS": str(assets)},
        cwd=ROOT,
    )
