"""What the image is made of: each component with its licence, hash, source and files.

    ROOT + LISTS/NAME + requirements.txt + licences.yaml -> Part, ...

Nothing may be without a licence, and no file without a component: that ends the build.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path, PurePosixPath

import yaml
from packaging.utils import canonicalize_name

from shimtool.shims import catalogue

LIBRARIES = "usr/lib/python3/dist-packages"
DOCUMENTS = "usr/share/doc"
ASSETS = f"{LIBRARIES}/shimtool/assets"
_HERE = Path(__file__).parent
# Whose the parts are that collect-assets took out of packages; all else there is ours.
_TAKEN = {
    "isolinux": ("boot/isolinux.bin",),
    "syslinux-common": ("boot/ldlinux.c32", "boot/libcom32.c32", "boot/mboot.c32"),
    "grub-xen-bin": ("pvgrub/grub-x86_64-xen.bin", "pvgrub/grub-i386-xen.bin"),
}
_SAYS = ("License-Expression", "License")
_OWN = (f"{LIBRARIES}/shimtool/", f"{DOCUMENTS}/shimtool/", "usr/lib/python311.zip")


@dataclass(frozen=True, slots=True)
class Part:
    """A component. `licence` is an SPDX expression.

    sha256: of the .deb or the wheel it comes from, or of the shim's only file; none of shimtool,
    of which `files` are all there is. files: paths below the root, as taken over by that name.
    source: name and version of the Debian source package, or of the source distribution on PyPI;
    where a shim is from.
    """

    kind: str  # deb, pypi, shim or shimtool
    name: str
    version: str
    licence: str
    sha256: str | None
    source: tuple[str, str]
    files: frozenset[str]

    @property
    def licences(self) -> list[str]:
        """The licences that all hold."""
        return self.licence.split(" AND ")

    @property
    def is_copyleft(self) -> bool:
        """Whether who passes it on has to pass its source on."""
        return "GPL" in self.licence


def read(root: Path, lists: Path, version: str) -> tuple[Part, ...]:
    """Find all components of the files in `root`; exit with a message when one is not known.

    `lists` has a file NAME for Debian packages: what was in them.
    """
    known = yaml.safe_load((_HERE / "licences.yaml").read_text())
    parts = [*_debs(root, lists, known["debian"]), *_libraries(root, known["pypi"]), *_shims(root)]
    there = {str(path.relative_to(root)) for path in root.rglob("*") if _is_file(path)}
    owners = {file: part for part in parts for file in part.files}
    own = {file for file in there - owners.keys() if file.startswith(_OWN)}
    if unowned := sorted(there - owners.keys() - own):
        sys.exit(f"no component owns these files: {' '.join(unowned[:5])} ({len(unowned)} in all)")
    ours = Part("shimtool", "shimtool", version, "MIT", None, ("shimtool", version), frozenset(own))
    return ours, *(_only(part, there) for part in parts)


def _is_file(path: Path) -> bool:
    """But for byte code, and what pip noted, which is not in the image."""
    made_here = path.suffix == ".pyc" or path.name == "RECORD"
    return path.is_file() and not path.is_symlink() and not made_here


def _only(part: Part, there: set[str]) -> Part:
    """The part with those of its files that came into the image."""
    kept = part.files & there
    return Part(part.kind, part.name, part.version, part.licence, part.sha256, part.source, kept)


def _debs(root: Path, lists: Path, licences: dict[str, str]) -> Iterator[Part]:
    """A line of packages.txt: name, version, source package, its version, the .deb's SHA-256."""
    for line in (root / DOCUMENTS / "shimtool/packages.txt").read_text().splitlines():
        name, version, source, source_version, digest = line.split()
        if source not in licences:
            sys.exit(f"container/image/licences.yaml has no licence of Debian's {source} ({name})")
        files = {f"{DOCUMENTS}/{name}/copyright"}
        files |= {f"{ASSETS}/{each}" for each in _TAKEN.get(name, ())}
        if (lists / name).exists():
            files |= {_merged(path) for path in (lists / name).read_text().splitlines()}
        yield Part("deb", name, version, licences[source], digest, (source, source_version),
                   frozenset(files))  # fmt: skip


def _merged(path: str) -> str:
    """Where a package's file is in the image, which has one /usr."""
    plain = path.removeprefix("./")
    return f"usr/{plain}" if re.match("(bin|lib|lib64|sbin)/", plain) else plain


def _libraries(root: Path, licences: dict[str, str]) -> Iterator[Part]:
    lock = re.findall(r"^(\S+)==\S+ \\\n +--hash=sha256:(\w+)$",
                      (_HERE / "requirements.txt").read_text(), re.M)  # fmt: skip
    digests = {canonicalize_name(name): digest for name, digest in lock}
    for found in sorted(distributions(path=[str(root / LIBRARIES)]), key=lambda each: each.name):
        name = canonicalize_name(found.name)
        said = next((found.metadata[key] for key in _SAYS if key in found.metadata), None)
        files = {str(PurePosixPath(LIBRARIES) / each) for each in found.files or ()}
        licence = licences.get(name) or said
        if not licence or " " in licence.replace(" AND ", "").replace(" WITH ", ""):
            sys.exit(f"container/image/licences.yaml wants an SPDX licence of {name}: {licence!r}")
        yield Part("pypi", found.name, found.version, licence, digests[name],
                   (found.name, found.version), frozenset(files))  # fmt: skip


def _shims(root: Path) -> Iterator[Part]:
    folder = root / ASSETS / "shims"
    for shim in catalogue.load(folder):
        files = frozenset({str(shim.file.relative_to(root))})
        version = shim.version or "unknown"
        yield Part("shim", f"xen-shim {shim.name}", version, "GPL-2.0-only", shim.sha256,
                   (shim.origin, version), files)  # fmt: skip
