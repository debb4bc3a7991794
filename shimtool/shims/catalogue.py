"""The catalogue of the shims at hand: ASSETS/shims/shims.yaml and the binaries beside it."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from shimtool.deferred import dataclass
from shimtool.errors import Fault, Location, fault, os_errors_as_faults, raise_all
from shimtool.model import Host, Mode, Shim, ShimKind
from shimtool.shims.kinds import is_compatible
from shimtool.shims.known import BuildId, Kind, Modes, load_known
from shimtool.shims.probe import probe
from shimtool.system.digests import sha256_of
from shimtool.system.files import open_named
from shimtool.system.typed import Flag, Must, Name, Sha256, Words
from shimtool.system.yaml_rows import read_rows

FILE = "shims.yaml"
PREFERRED = (4, 10)  # the smallest, and the one that most of the field has run
ANY_HOST = Host()


@dataclass(frozen=True, slots=True)
class _Row:
    """An entry of the file."""

    HYPHENS: ClassVar = True

    name: Name
    file: Name
    size: Annotated[int, Must("be a positive whole number", lambda size: size > 0)]
    version: Words | None
    sha256: Sha256
    build_id: BuildId | None
    kind: Kind
    modes: Modes
    origin: Words
    default: Flag = False


def load(folder: Path) -> tuple[Shim, ...]:
    """Return the shims of a folder, in the order of its catalogue; none without a catalogue.

    Checks the catalogue strictly and that every binary is there in its right size; `verify`
    checks a binary's content. Raises ShimtoolError with all faults.
    """
    shims = read_catalogue(folder)
    raise_all(filter(None, map(_file_fault, shims)))
    return shims


def read_catalogue(folder: Path) -> tuple[Shim, ...]:
    """Return the catalogue of a folder as it is written, without a look at the binaries."""
    path = folder / FILE
    shims = tuple(_shim(folder, row) for row in read_rows(path, _Row))
    raise_all(_clashes(path, shims))
    return shims


def verify(shim: Shim) -> None:
    """Raise ShimtoolError unless the shim's file is the one that was recorded."""
    raise_all(filter(None, map(_file_fault, [shim])))
    with os_errors_as_faults("read", shim.file), open_named(shim.file) as source:
        digest = sha256_of(source)
    if digest != shim.sha256:
        raise fault(
            f"shim {shim.name} is not the file that was recorded",
            shim.file,
            seen=f"sha256 {digest}, recorded {shim.sha256}",
            remedy=_AGAIN,
        )


def choose(
    shims: Sequence[Shim],
    wanted: str | None,
    mode: Mode,
    host: Host = ANY_HOST,
    folder: Path | None = None,
) -> Shim:
    """Return the shim to use: `wanted` by name or, with a "/" in it, the file of that path.

    Else the catalogue's default, the newest 4.10, or the newest, whichever serves `mode` first;
    one that is known to fail on `host` only when all do. A file's build is looked up in `folder`'s
    known.yaml. Raises ShimtoolError when there is none, or the wanted one does not serve the mode.
    """
    if wanted is not None:
        return serving(asked_for(shims, wanted, folder), mode)
    able = [shim for shim in shims if mode in shim.modes]
    if not able:
        raise fault(
            f"no shim at hand boots under {mode.upper()}", seen=_names(shims), remedy=_ADD_ONE
        )
    return max(
        able,
        key=lambda shim: (
            is_compatible(shim, host, mode),
            shim.default,
            shim.kind is not ShimKind.VIXEN,
            _version(shim)[:2] == PREFERRED,
            _version(shim),
        ),
    )


def asked_for(shims: Sequence[Shim], wanted: str, folder: Path | None = None) -> Shim:
    """Return the shim called `wanted` or, with a "/" in it, the file of that path."""
    return _from_file(Path(wanted), folder) if "/" in wanted else named(shims, wanted)


def named(shims: Sequence[Shim], name: str) -> Shim:
    """Return the shim of this name; raise ShimtoolError naming those there are."""
    for shim in shims:
        if shim.name == name:
            return shim
    raise fault(f"no shim is called {name!r}", seen=_names(shims), remedy=_ADD_ONE)


_ADD_ONE = "add one: shimtool shims add FILE (an ELF, .gz, .deb, .rpm or .apk)"
_AGAIN = "run `make assets` again, or take it out of shims.yaml and add it again"


def _from_file(path: Path, folder: Path | None) -> Shim:
    found = probe(path, load_known(folder) if folder else ())
    return found.shim(found.name or path.name, path, origin=path.name)


def serving(shim: Shim, mode: Mode) -> Shim:
    """Return the shim; raise ShimtoolError when it does not boot in this mode."""
    if mode in shim.modes:
        return shim
    able = ", ".join(sorted(mode.upper() for mode in shim.modes))
    raise fault(
        f"shim {shim.name} does not boot under {mode.upper()}",
        shim.file,
        seen=f"it boots under {able}",
        remedy="choose another --shim or another --mode",
    )


def _names(shims: Sequence[Shim]) -> str:
    return "at hand: " + (", ".join(shim.name for shim in shims) or "none")


def _version(shim: Shim) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d{1,9}", shim.version or ""))


def _shim(folder: Path, row: _Row) -> Shim:
    return Shim(
        name=row.name,
        file=folder / row.file,
        size=row.size,
        sha256=row.sha256,
        build_id=row.build_id,
        version=row.version,
        modes=frozenset(row.modes),
        origin=row.origin,
        default=row.default,
        kind=row.kind,
    )


def _clashes(path: Path, shims: Sequence[Shim]) -> list[Fault]:
    """Two entries may share neither name, file nor content; one may be the default."""
    where = Location(path)
    columns = {
        "name": Counter(shim.name for shim in shims),
        "file": Counter(shim.file.name for shim in shims),
        "sha256": Counter(shim.sha256 for shim in shims),
    }
    faults = [
        Fault(f"two entries have the same {key}", where, seen=value, remedy="take one of them out")
        for key, values in columns.items()
        for value, number in values.items()
        if number > 1
    ]
    defaults = [shim.name for shim in shims if shim.default]
    if len(defaults) > 1:
        seen = ", ".join(defaults)
        faults.append(Fault("more than one entry is the default", where, seen, "leave one"))
    return faults


def _file_fault(shim: Shim) -> Fault | None:
    try:
        size = shim.file.stat().st_size
    except OSError as error:
        return Fault(
            f"the file of shim {shim.name}: {error.strerror}", Location(shim.file), remedy=_AGAIN
        )
    if size != shim.size:
        seen = f"{size} bytes, recorded {shim.size}"
        return Fault(f"shim {shim.name} has another size", Location(shim.file), seen, _AGAIN)
    return None
