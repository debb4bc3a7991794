"""Add shims to a catalogue: identify, name, store, record; all or nothing for each."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from shimtool.deferred import dataclass, regex
from shimtool.errors import fault
from shimtool.model import Shim, ShimKind
from shimtool.shims.catalogue import FILE, read_catalogue
from shimtool.shims.known import FILE as KNOWN_FILE
from shimtool.shims.known import load_known
from shimtool.shims.probe import ProbedShim, probe, xen_version
from shimtool.system.staging import Staging
from shimtool.system.typed import Name, fits, must
from shimtool.system.yaml_rows import write_rows

if TYPE_CHECKING:  # it loads the libraries for all formats
    from shimtool.shims.packages import Candidate

HEAD = "# PV shims at hand; written by `shimtool shims add`. See `shimtool shims list`.\n"
# 4.9 was Vixen's.
_VERSION = regex(r"4\.(?:9|[1-9]\d)(?:\.\d{1,3})?(?![0-9])")


@dataclass(frozen=True, slots=True)
class Added:
    """A shim of the file that was given; `new` is false when the catalogue had it before.

    `told` when it had it without the version that is now known.
    """

    shim: Shim
    new: bool
    told: bool = False


@dataclass(frozen=True, slots=True)
class _Said:
    """What an admin says of a shim: its name here, and what its bytes may not tell."""

    name: str | None
    kind: ShimKind | None
    version: str | None


def add(
    folder: Path,
    path: Path,
    name: str | None = None,
    kind: ShimKind | None = None,
    version: str | None = None,
) -> tuple[Added, ...]:
    """Put every shim of a file (ELF, .gz, .deb, .rpm, .apk) into the catalogue of `folder`.

    The binary is stored unpacked as `folder`/NAME; NAME is `name` or made from the version and
    the package ("4.17.7-debian"). `kind` and `version` are what an admin says it is, where its
    bytes do not tell. Raises ShimtoolError, with catalogue and binaries as before, when the file is
    no shim, is another than is said, the name is taken, or the folder cannot be written.
    """
    from shimtool.shims.packages import extract  # noqa: PLC0415 - only here needed

    said = _Said(name, kind, version)
    _check(said)
    with _workroom(folder) as room:
        shims = list(read_catalogue(folder))
        known = load_known(folder)
        candidates = extract(path, room)
        if said.name is not None and len(candidates) > 1:
            raise fault("several shims in this package: give no name", path)
        added = [
            _identify(each, probe(each.file, known, each.shown, said.kind), shims, folder, said)
            for each in candidates
        ]
        if any(one.new or one.told for one in added):
            with Staging() as staging:
                for one, candidate in zip(added, candidates, strict=True):
                    if one.new:
                        with candidate.file.open("rb") as source:
                            shutil.copyfileobj(source, staging.open(one.shim.file, 0o644))
                rows = write_rows(map(_row, shims))
                staging.open(folder / FILE, 0o644).write(HEAD.encode() + rows)
    return tuple(added)


def _check(said: _Said) -> None:
    if said.name is not None and not fits(said.name, Name):
        raise fault(f"a shim's name must {must(Name)}", seen=said.name)
    if said.version is not None and not _VERSION.fullmatch(said.version):
        remedy = "give the version of the Xen it was built from, such as 4.10.4"
        raise fault("not a version of Xen that has shims", seen=said.version[:60], remedy=remedy)


def _identify(
    candidate: "Candidate", found: ProbedShim, shims: list[Shim], folder: Path, said: _Said
) -> Added:
    """Return the one of `shims` with a candidate's content; if there is none, append it."""
    if same := next((shim for shim in shims if shim.sha256 == found.sha256), None):
        if same.kind is not found.kind:
            raise fault(
                f"the catalogue has it as {same.name}, of the kind {same.kind}",
                candidate.shown,
                seen=f"--kind {found.kind}",
                remedy=f"take {same.name} out of {folder / FILE}, then add it again",
            )
        version = _version(same.version, said, candidate.shown)
        if version == same.version:
            return Added(same, new=False)
        at = shims.index(same)
        shims[at] = replace(same, version=version)
        return Added(shims[at], new=False, told=True)
    told = found.version or (candidate.package and xen_version(candidate.package.version)) or None
    found = replace(found, version=_version(told, said, candidate.shown))
    _check_name(said.name, found, candidate.shown)
    name = _free_name(shims, said.name, candidate, found)
    shims.append(found.shim(name, folder / name, candidate.origin))
    return Added(shims[-1], new=True)


def _version(told: str | None, said: _Said, shown: Path | str) -> str | None:
    """Return what a shim's bytes or package tell, else what is said; refuse if these disagree."""
    if told is None or said.version is None or _begins(told, said.version):
        return told or said.version
    remedy = "leave --version out, or give the shim that is meant"
    raise fault(f"a shim of Xen {told}, not {said.version}", shown, remedy=remedy)


def _check_name(name: str | None, found: ProbedShim, shown: Path | str) -> None:
    """Refuse a name that says a version which is not known to be the shim's."""
    claimed = _VERSION.match(name or "")
    if claimed is None or _begins(found.version or "", claimed[0]):
        return
    version = f"is {found.version}" if found.version else "is not known"
    raise fault(
        f"the name says Xen {claimed[0]}, but the shim's version {version}",
        shown,
        seen=f"--name {name}",
        remedy="give another name" if found.version else f"say so: --version {claimed[0]}",
    )


def _begins(version: str, part: str) -> bool:
    return version == part or version.startswith(f"{part}.")


def _free_name(
    shims: list[Shim], wanted: str | None, candidate: "Candidate", found: ProbedShim
) -> str:
    """Return `wanted` if it is free, else a made name, told apart by content if need be."""
    taken = {shim.name for shim in shims} | {shim.file.name for shim in shims} | {FILE, KNOWN_FILE}
    if wanted is not None:
        if wanted in taken:
            raise fault(f"another shim is called {wanted!r}", remedy="give another name")
        return wanted
    vixen = "vixen" if found.kind is ShimKind.VIXEN else None
    stem = "-".join(filter(None, (found.version, vixen))) or "shim"
    parts = [stem, candidate.package.vendor] if candidate.package else [stem]
    made = found.name or "-".join(parts)
    return f"{made}-{found.sha256[:8]}" if made in taken or made == "shim" else made


@contextmanager
def _workroom(folder: Path) -> Iterator[Path]:
    """Lock the catalogue; give a scratch folder in it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as room:
                yield Path(room)
        finally:
            os.close(lock)
    except OSError as error:
        raise fault(
            f"cannot write the shim catalogue: {error.strerror or error}",
            folder,
            remedy="name a writable copy of the assets in SHIMTOOL_ASSETS",
        ) from None


def _row(shim: Shim) -> dict[str, object]:
    return {
        "name": shim.name,
        "file": shim.file.name,
        "size": shim.size,
        "version": shim.version,
        "sha256": shim.sha256,
        "build-id": shim.build_id,
        "kind": shim.kind.value,
        "modes": sorted(mode.value for mode in shim.modes),
        "origin": shim.origin,
        "default": shim.default,
    }
