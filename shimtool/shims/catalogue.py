"""The catalogue of the shims at hand: ASSETS/shims/shims.yaml and the binaries beside it."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shimtool.errors import Fault, Where, fault, raise_all
from shimtool.model import Mode, Shim
from shimtool.shims.files import SHIM_LIMIT, read_regular
from shimtool.shims.known import KINDS, Kind
from shimtool.shims.probe import probe
from shimtool.shims.schema import (
    Field,
    Row,
    boolean,
    hex_digits,
    list_of,
    number,
    one_of,
    optional,
    read_list,
    safe_name,
    text,
)

FILE = "shims.yaml"
PREFERRED = (4, 10)  # the smallest, and the one that most of the field has run
FIELDS = {
    "name": Field(safe_name),
    "file": Field(safe_name),
    "size": Field(number),
    "version": Field(optional(text)),
    "sha256": Field(hex_digits(64)),
    "build-id": Field(optional(hex_digits(40))),
    "modes": Field(list_of(one_of(*Mode))),
    "origin": Field(text),
    "kind": Field(one_of(*KINDS)),
    "default": Field(boolean, required=False),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the catalogue: a shim and its kind ("4.10-based" or "vixen")."""

    shim: Shim
    kind: Kind


def load(folder: Path) -> tuple[Shim, ...]:
    """Return the shims of a folder, in the order of its catalogue; none without a catalogue.

    Checks the catalogue strictly and that every binary is there in its right size; `verify`
    checks a binary's content. Raises ShimtoolError with all faults.
    """
    entries = load_entries(folder)
    faults = [wrong for entry in entries if (wrong := _file_fault(entry.shim))]
    raise_all(faults)
    return tuple(entry.shim for entry in entries)


def load_entries(folder: Path) -> tuple[Entry, ...]:
    """Return the catalogue of a folder as it is written, without a look at the binaries."""
    path = folder / FILE
    if not path.exists():
        return ()
    rows = read_list(path, FIELDS)
    entries = tuple(_entry(folder, row) for row in rows)
    raise_all(_clashes(path, [entry.shim for entry in entries]))
    return entries


def verify(shim: Shim) -> None:
    """Raise ShimtoolError unless the shim's file is the one that was recorded."""
    if wrong := _file_fault(shim):
        raise_all((wrong,))
    digest = hashlib.sha256(read_regular(shim.file, SHIM_LIMIT)).hexdigest()
    if digest != shim.sha256:
        raise fault(
            f"shim {shim.name} is not the file that was recorded",
            shim.file,
            seen=f"sha256 {digest}, recorded {shim.sha256}",
            remedy=_AGAIN,
        )


def choose(shims: Sequence[Shim], wanted: str | None, mode: Mode) -> Shim:
    """Return the shim to use: `wanted` by name or, with a "/" in it, the file of that path.

    Else the catalogue's default, the newest 4.10, or the newest, whichever serves `mode` first.
    Raises ShimtoolError when there is none, or when the wanted one does not serve the mode.
    """
    if wanted is not None:
        return _serving(_from_file(wanted) if "/" in wanted else named(shims, wanted), mode)
    able = [shim for shim in shims if mode in shim.modes]
    if not able:
        raise fault(
            f"no shim at hand boots under {mode.upper()}", seen=_names(shims), remedy=_ADD_ONE
        )
    return max(
        able, key=lambda shim: (shim.default, _version(shim)[:2] == PREFERRED, _version(shim))
    )


def named(shims: Sequence[Shim], name: str) -> Shim:
    """Return the shim called `name`; ShimtoolError when there is none."""
    """Return the shim of this name; raise ShimtoolError naming those there are."""
    for shim in shims:
        if shim.name == name:
            return shim
    raise fault(f"no shim is called {name!r}", seen=_names(shims), remedy=_ADD_ONE)


def same_file(shims: Sequence[Shim], sha256: str) -> Shim | None:
    """Return the shim with this content."""
    return next((shim for shim in shims if shim.sha256 == sha256), None)


_ADD_ONE = "add one: shimtool shims add FILE (an ELF, .gz, .deb, .rpm or .apk)"
_AGAIN = "run `make assets` again, or take it out of shims.yaml and add it again"


def _from_file(path: str) -> Shim:
    file = Path(path)
    found = probe(file)
    return Shim(
        name=found.name or file.name,
        file=file,
        size=found.size,
        sha256=found.sha256,
        build_id=found.build_id,
        version=found.version,
        modes=found.modes,
        origin=file.name,
    )


def _serving(shim: Shim, mode: Mode) -> Shim:
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


def _preference(shim: Shim) -> tuple[bool, bool, tuple[int, ...]]:
    version = _version(shim)
    return shim.default, version[:2] == PREFERRED, version


def _version(shim: Shim) -> tuple[int, ...]:
    return tuple(int(digits) for digits in re.findall(r"\d{1,9}", shim.version or ""))


def _entry(folder: Path, row: Row) -> Entry:
    shim = Shim(
        name=row["name"],
        file=folder / row["file"],
        size=row["size"],
        sha256=row["sha256"],
        build_id=row["build-id"],
        version=row["version"],
        modes=frozenset(Mode(word) for word in row["modes"]),
        origin=row["origin"],
        default=row.get("default", False),
    )
    return Entry(shim, row["kind"])


def _clashes(path: Path, shims: Sequence[Shim]) -> list[Fault]:
    """Two entries may share neither name, file nor content; one may be the default."""
    where = Where(path)
    columns: dict[str, list[str]] = {
        "name": [shim.name for shim in shims],
        "file": [shim.file.name for shim in shims],
        "sha256": [shim.sha256 for shim in shims],
    }
    faults = [
        Fault(f"two entries have the same {key}", where, seen=value, remedy="take one of them out")
        for key, values in columns.items()
        for value in sorted({value for value in values if values.count(value) > 1})
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
            f"the file of shim {shim.name}: {error.strerror}", Where(shim.file), remedy=_AGAIN
        )
    if size != shim.size:
        seen = f"{size} bytes, recorded {shim.size}"
        return Fault(f"shim {shim.name} has another size", Where(shim.file), seen, _AGAIN)
    return None
