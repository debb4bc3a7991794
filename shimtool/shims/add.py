"""Add shims to a catalogue: identify, name, store, record; all or nothing for each."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from shimtool.errors import fault
from shimtool.model import Shim
from shimtool.shims.catalogue import FILE, Entry, load_entries, same_file
from shimtool.shims.known import FILE as KNOWN_FILE
from shimtool.shims.known import Known, load_known
from shimtool.shims.packages import Candidate, extract
from shimtool.shims.probe import ProbedShim, probe, xen_version
from shimtool.shims.schema import safe_name

HEAD = "# PV shims at hand; written by `shimtool shims add`. See `shimtool shims list`.\n"


@dataclass(frozen=True, slots=True)
class Added:
    """A shim of the file that was given; `new` is false when the catalogue had it before."""

    shim: Shim
    new: bool


def add(folder: Path, path: Path, name: str | None = None) -> tuple[Added, ...]:
    """Put every shim of a file (ELF, .gz, .deb, .rpm, .apk) into the catalogue of `folder`.

    The binary is stored unpacked as `folder`/NAME; NAME is `name` or made from the version and
    the package ("4.17.7-debian"). Raises ShimtoolError, with catalogue and binaries as before,
    when the file is no shim, the name is taken, or the folder cannot be written.
    """
    if name is not None and (wrong := safe_name(name)):
        raise fault(f"a shim's name {wrong}", seen=name)
    with _workroom(folder) as room:
        entries = list(load_entries(folder))
        known = load_known(folder)
        candidates = extract(path, room)
        if name is not None and len(candidates) > 1:
            raise fault("several shims in this package: give no name", path)
        added = [_add_one(candidate, entries, folder, known, name) for candidate in candidates]
        for one, candidate in zip(added, candidates, strict=True):
            if one.new:
                _store(candidate.file, room, one.shim.file)
        if any(one.new for one in added):
            _write(folder, room, entries)
    return tuple(added)


def _add_one(
    candidate: Candidate, entries: list[Entry], folder: Path, known: tuple[Known, ...],
    name: str | None,
) -> Added:  # fmt: skip
    """Identify a candidate and append its entry, unless its content is there already."""
    found = probe(candidate.file, known, candidate.shown)
    shims = [entry.shim for entry in entries]
    if same := same_file(shims, found.sha256):
        return Added(same, new=False)
    if candidate.package and not found.version:
        found = replace(found, version=xen_version(candidate.package.version))
    name = _free_name(shims, name, candidate, found)
    shim = Shim(
        name=name,
        file=folder / name,
        size=found.size,
        sha256=found.sha256,
        build_id=found.build_id,
        version=found.version,
        modes=found.modes,
        origin=candidate.origin,
    )
    entries.append(Entry(shim, found.kind))
    return Added(shim, new=True)


def _free_name(
    shims: list[Shim], wanted: str | None, candidate: Candidate, found: ProbedShim
) -> str:
    """Return `wanted` if it is free, else a made name, told apart by content if need be."""
    taken = {shim.name for shim in shims} | {shim.file.name for shim in shims} | {FILE, KNOWN_FILE}
    if wanted is not None:
        if wanted in taken:
            raise fault(f"another shim is called {wanted!r}", remedy="give another name")
        return wanted
    stem = found.version or ("vixen" if found.kind == "vixen" else "shim")
    parts = [stem, candidate.package.vendor] if candidate.package else [stem]
    made = found.name or "-".join(parts)
    return f"{made}-{found.sha256[:8]}" if made in taken or made == "shim" else made


@contextmanager
def _workroom(folder: Path) -> Iterator[Path]:
    """Lock the catalogue; give a scratch folder on its file system, so that a rename is atomic."""
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


def _store(source: Path, room: Path, target: Path) -> None:
    fresh = room / "shim"
    with source.open("rb") as old, fresh.open("wb") as new:
        shutil.copyfileobj(old, new)
    _replace(fresh, target)


def _write(folder: Path, room: Path, entries: list[Entry]) -> None:
    fresh = room / "catalogue"
    rows = [_row(entry) for entry in entries]
    fresh.write_text(HEAD + yaml.safe_dump(rows, sort_keys=False, width=1000), encoding="utf-8")
    _replace(fresh, folder / FILE)


def _replace(fresh: Path, target: Path) -> None:
    """Bring a complete file to its place: on disk first, then renamed."""
    with fresh.open("rb+") as file:
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    fresh.replace(target)


def _row(entry: Entry) -> dict[str, object]:
    shim = entry.shim
    return {
        "name": shim.name,
        "file": shim.file.name,
        "size": shim.size,
        "version": shim.version,
        "sha256": shim.sha256,
        "build-id": shim.build_id,
        "modes": sorted(mode.value for mode in shim.modes),
        "origin": shim.origin,
        "kind": entry.kind,
        "default": shim.default,
    }
