"""What an ISO of ours says of itself (shimtool.json), read strictly: damaged, forged, whatever."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from shimtool.deferred import dataclass
from shimtool.errors import Fault, Location, fault, raise_all
from shimtool.model import PreStage, PvGrubRequest
from shimtool.output.iso_content import (
    BOOT_FILE,
    CATALOG_FILE,
    CONFIG_FILE,
    MANIFEST_FILE,
    MODULES,
)
from shimtool.output.iso_reader import REDO, Iso
from shimtool.output.loader_config import (
    KERNEL_FILE,
    PARAMETERS_FILE,
    PRE_STAGE_FILE,
    RAMDISK_FILE,
    SHIM_FILE,
)
from shimtool.plan.command_line import LOADER_KERNEL_FILE
from shimtool.system.stored_json import parse_json
from shimtool.system.typed import (
    DamagedDocumentError,
    Key,
    Must,
    Sha256,
    Text,
    matching,
    typed,
)

_SMALL = 1 << 20
_NEEDED = frozenset((BOOT_FILE, *MODULES, CONFIG_FILE, SHIM_FILE))
_BEFORE_SHIM = frozenset((PRE_STAGE_FILE, PARAMETERS_FILE))


Size = Annotated[int, Must("be a whole number from 0 on", lambda size: size >= 0)]
# Text of one line which can be bytes again.
Line = Annotated[str, matching(r"[^\0\n\r\ud800-\udc7f\udd00-\udfff]*", "be a text of one line")]


@dataclass(frozen=True, slots=True)
class Listed:
    """A file's content: after `prefix_size` bytes of ours come `size` bytes with this hash."""

    prefix_size: Annotated[Size, Key("skip")]
    size: Size
    sha256: Sha256
    path: Text = ""


@dataclass(frozen=True, slots=True)
class _Origin:
    """The kernel that was converted; the ISO may hold it unpacked."""

    KNOWN_ONLY: ClassVar = False

    sha256: Sha256
    unpacked: bool


@dataclass(frozen=True, slots=True)
class _Document:
    """shimtool.json, as far as it is used."""

    KNOWN_ONLY: ClassVar = False

    guest: Line
    shim_args: Line
    command_line: Text
    files: Mapping[str, Listed]
    kernel: _Origin
    pre_stage: PreStage | None = None
    pvgrub: PvGrubRequest | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """Whose ISO it is, what it tells the boot loader, and every file but itself and boot.cat."""

    guest: str
    shim_args: str
    command_line: str
    files: Mapping[str, Listed]
    pre_stage: PreStage | None
    pvgrub: PvGrubRequest | None

    @property
    def kernel_file(self) -> str:
        """Name of the kernel's file."""
        return LOADER_KERNEL_FILE if self.pre_stage is None else KERNEL_FILE


def read_manifest(iso: Iso, path: Path) -> Manifest:
    """Read the manifest; its files are those in the ISO, and all that a boot needs is there.

    Raises ShimtoolError with all that is wrong.
    """
    try:
        found = typed(parse_json(iso.read(MANIFEST_FILE, _SMALL)), _Document)
    except DamagedDocumentError as damage:
        raise fault(
            "not an ISO of ours: its own description is damaged",
            path,
            seen=f"{MANIFEST_FILE}: {damage}",
            remedy=REDO,
        ) from None
    manifest = Manifest(
        guest=found.guest,
        shim_args=found.shim_args,
        command_line=found.command_line,
        files=found.files,
        pre_stage=found.pre_stage,
        pvgrub=found.pvgrub,
    )
    raise_all(Fault(what, Location(path), seen, REDO) for what, seen in _wrong(manifest, iso))
    if (
        not found.kernel.unpacked
        and manifest.files[manifest.kernel_file].sha256 != found.kernel.sha256
    ):
        raise fault("the kernel in the ISO is not the one it says it holds", path, remedy=REDO)
    return manifest


def _wrong(manifest: Manifest, iso: Iso) -> list[tuple[str, str]]:
    """Compare the files listed with those there, those needed, and their sizes."""
    there, listed = set(iso.names()) - {MANIFEST_FILE, CATALOG_FILE}, set(manifest.files)
    sizes = {name for name in there & listed if not _fits(manifest.files[name], iso.size(name))}
    needed = _NEEDED | {manifest.kernel_file} | (_BEFORE_SHIM if manifest.pre_stage else set())
    found = {
        "the ISO lacks files that it lists": listed - there,
        "the ISO holds files that it does not list": there - listed,
        "the ISO does not list what a boot needs": needed - listed,
        "the ISO lists files that none of ours has": listed - needed - {RAMDISK_FILE},
        "the ISO lists other sizes than its files have": sizes,
    }
    return [(what, ", ".join(sorted(names))) for what, names in found.items() if names]


def _fits(listed: Listed, size: int) -> bool:
    return listed.prefix_size + listed.size == size
