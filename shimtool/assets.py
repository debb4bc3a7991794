"""Where the parts are that shimtool hands out: shims, boot loader, PV GRUB, device model script."""

import os
from collections.abc import Callable
from pathlib import Path

from shimtool.deferred import dataclass
from shimtool.errors import Fault, Location, fault, raise_all

VARIABLE = "SHIMTOOL_ASSETS"
BOOT_FILES = ("isolinux.bin", "ldlinux.c32", "libcom32.c32", "mboot.c32", "prestage")


@dataclass(frozen=True, slots=True)
class Assets:
    """The folder of parts. `boot` holds BOOT_FILES; `pvgrub_*` are PV GRUB images, ELF files."""

    root: Path

    @property
    def shims(self) -> Path:
        return self.root / "shims"

    @property
    def boot(self) -> Path:
        return self.root / "boot"

    @property
    def pvgrub_x86_64(self) -> Path:
        return self.root / "pvgrub" / "grub-x86_64-xen.bin"

    @property
    def pvgrub_i386(self) -> Path:
        return self.root / "pvgrub" / "grub-i386-xen.bin"

    @property
    def device_model(self) -> Path:
        return self.root / "device-model" / "shimtool-dm"

    def pieces(self) -> tuple[Path, ...]:
        """Return every path that must be there: the folder of shims, then files."""
        boot = tuple(self.boot / name for name in BOOT_FILES)
        return (self.shims, *boot, self.pvgrub_x86_64, self.pvgrub_i386, self.device_model)


def find_assets() -> Assets:
    """Return the assets of SHIMTOOL_ASSETS, else the package's, else the checkout's build/assets.

    Raises ShimtoolError with one fault for each piece that is missing or cannot be read.
    """
    assets = Assets(_root())
    shims, *files = assets.pieces()
    raise_all(
        [
            *([] if _is(shims, Path.is_dir) else [_unusable(shims, "folder")]),
            *(_unusable(path, "file") for path in files if not _is(path, Path.is_file)),
        ]
    )
    return assets


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(path) and os.access(path, os.R_OK)
    except OSError:  # in a folder that is closed to us
        return False


def _unusable(path: Path, kind: str) -> Fault:
    here = os.path.lexists(path)
    what = f"is no {kind} that can be read" if here else "is missing"
    return Fault(f"a part of shimtool {what}", Location(path), remedy=_REMEDY)


def shims_folder() -> Path:
    """Return the folder of the shims, whatever else is missing; it may not be there yet."""
    return Assets(_root()).shims


_REMEDY = f"run `make assets` in shimtool's checkout, or name a folder made by it in {VARIABLE}"


def _root() -> Path:
    package = Path(__file__).parent
    named = os.environ.get(VARIABLE)
    usual = [package / "assets"]
    if (package.parent / "Makefile").is_file():  # else installed: what lies beside is others'
        usual.append(package.parent / "build" / "assets")
    for root in [Path(named)] if named else usual:
        if _is(root, Path.is_dir):
            return root
    where = Path(named) if named else usual[-1]
    raise fault("the folder of shimtool's parts (assets) is missing", where, remedy=_REMEDY)
