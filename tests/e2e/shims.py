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
NAME = "under-test"


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


@dataclass(frozen=True, slots=True)
class Prepared:
    """An assets folder, and the name of the shim to choose from it (None: the default)."""

    assets: Path
    name: str | None


def _file(shim: str) -> Path:
    """Return the file that holds the shim."""
    if not shim.startswith(DEBIAN):
        return Path(shim).resolve()
    release = RELEASES[shim.removeprefix(DEBIAN)]
    return suite(release.suite).download(f"xen-utils-{release.xen}")


def prepared(shim: str, folder: Path) -> Prepared:
    """Add the shim to a copy of the assets in `folder`; the assets themselves when bundled."""
    assert ASSETS.is_dir(), "no assets: run `make assets` first"
    if shim == BUNDLED:
        return Prepared(ASSETS, None)
    shutil.copytree(ASSETS, folder)
    done = shimtool(folder, "shims", "add", "--name", NAME, _file(shim))
    assert done.returncode == 0, done.stdout + done.stderr
    return Prepared(folder, NAME)
