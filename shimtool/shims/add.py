"""Add shims to a catalogue: identify, name, store, record; all or nothing for each."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from shimtool.errors import fault
from shimtool.model import Shim, ShimKind
from shimtool.shims.catalogue import FILE, read_catalogue
from shimtool.shims.known import FILE as KNOWN_FILE
from shimtool.shims.known import load_known
from shimtool.shims.probe import ProbedShim, probe, xen_version
from shimtool.system.staging import Staging
from shimtool.system.typed import Name, fits, must

if TYPE_CHECKING:  # it loads the libraries for all formats
    from shimtool.shims.packages import Candidate

HEAD = "# PV shims at hand; written by `shimtool shims add`. See `shimtool shims list`.\n"


@dataclass(frozen=True, slots=True)
class Added:
    """A shim of the file that was given; `new` is false when the catalogue had it before."""

    shim: Shim
    new: bool


def add(
    folder: Path, path: Path, name: str | None = None, kind: ShimKind | None = None
) -> tuple[Added, ...]:
    """Put every shim of a file (ELF, .gz, .deb, .rpm, .apk) into the catalogue of `folder`.

    The binary is stored unpacked as `folder`/NAME; NAME is `name` or made from the version and
    the package ("4.17.7-debian"). `kind` is what an admin says it is, where its bytes do not
    tell. Raises ShimtoolError, with catalogue and binaries as before, when the file is no shim,
    the name is taken, or the folder cannot be written.
    """
    from shimtool.shims.packages import extract  # noqa: PLC0415 - only here needed

    if name is not None and not fits(name, Name):
        raise fault(f"a shim's name must {must(Name)}", seen=name)
    with _workroom(folder) as room:
        shims = list(read_catalogue(folder))
        known = load_known(folder)
        candidates = extract(path, room)
        if name is not None and len(candidates) > 1:
            raise fault("several shims in this package: give no name", path)
        added = [
            _identify(each, probe(each.file, known, each.shown, kind), shims, folder, name)
            for each in candidates
        ]
        if any(one.new for one in added):
            with Staging() as staging:
                for one, candidate in zip(added, candidates, strict=True):
                    if one.new:
                        with candidate.file.open("rb") as source:
                            shutil.copyfileobj(source, staging.open(one.shim.file, 0o644))
                rows = yaml.safe_dump([_row(shim) for shim in shims], sort_keys=False, width=1000)
                staging.open(folder / FILE, 0o644).write((HEAD + rows).encode())
    return tuple(added)


def _identify(
    candidate: "Candidate", found: ProbedShim, shims: list[Shim], folder: Path, name: str | None
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
        return Added(same, new=False)
    if candidate.package and not found.version:
        found = replace(found, version=xen_version(candidate.package.version))
    name = _free_name(shims, name, candidate, found)
    shims.append(found.shim(name, folder / name, candidate.origin))
    return Added(shims[-1], new=True)


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
