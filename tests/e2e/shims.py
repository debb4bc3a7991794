"""The shims to try: the bundled one, Debian's others, or any file (E2E_SHIM)."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.apt import suite
from tests.e2e.command import shimtool
from tests.e2e.host import RELEASES
from tests.support.debs import ROOT

BUNDLED = "bundled"
DEBIAN = "debian-"
ASSETS = ROOT / "build" / "assets"


@dataclass(frozen=True, slots=True)
class Cell:
    """Where one test runs. `shim`: "bundled", "debian-4.14", or a shim's or package's file."""

    host: str
    shim: str
    mode: str

    @property
    def shim_name(self) -> str:
        return Path(self.shim).name

    def __str__(self) -> str:
        return f"xen-{self.host}-{self.shim_name}-{self.mode}"


def _file(shim: str) -> Path:
    """Return the file that holds the shim."""
    if not shim.startswith(DEBIAN):
        return Path(shim).resolve()
    release = RELEASES[shim.removeprefix(DEBIAN)]
    return suite(release.suite).download(f"xen-utils-{release.xen}")


def assets_with(shim: str, folder: Path) -> Path:
    """Return the usual assets when `shim` is bundled, else a copy in `folder` with it alone."""
    assert ASSETS.is_dir(), "no assets: run `make assets` first"
    if shim == BUNDLED:
        return ASSETS
    shutil.copytree(ASSETS, folder)
    shutil.rmtree(folder / "shims")
    (folder / "shims").mkdir()
    done = shimtool(folder, "shims", "add", _file(shim))
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
