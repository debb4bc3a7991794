"""--in-place and its way back: what is needed for it is kept in --out, under originals/NAME/.

`original.cfg` is the config from before and `written.cfg` just what took its place: whoever
edited the file since is shown the difference instead of losing it. `kept.json` says which config
it was, and the original's hash. `replaced.cfg` is there only while files are being replaced, one
after the other: killed in between, the config itself may still be that one.
"""

import json
import shutil
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from pathlib import Path

from shimtool.configs.find import find_configs, paths
from shimtool.configs.parse import Config, open_config, parse
from shimtool.configs.xl.edit import BLOCK
from shimtool.configs.xl.syntax import read_config
from shimtool.deferred import dataclass
from shimtool.errors import Fault, Location, ShimtoolError, fault, os_error, os_errors_as_faults
from shimtool.system.digests import sha256
from shimtool.system.files import MIB, changed_error, open_regular
from shimtool.system.opened import OpenedFile, opened
from shimtool.system.ownership import own_path
from shimtool.system.staging import Staging, locked, make_folder, sweep
from shimtool.system.stored_json import parse_json
from shimtool.system.typed import DamagedDocumentError, Sha256, Text, typed
from shimtool.text import diff, reason

_ORIGINAL, _WRITTEN, _REPLACED = "original.cfg", "written.cfg", "replaced.cfg"
_FACTS = "kept.json"
_MOST = 8 * MIB  # of a config, ours included


@dataclass(frozen=True, slots=True)
class _Facts:
    """What kept.json says: which config it was, and the original's hash."""

    config: Text
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class SavedOriginal:
    """A config converted in place: its path, its bytes from before, and what replaced them.

    `replaced` is an older replacement, if a run was killed while it renewed that.
    """

    folder: Path
    config: str
    original: bytes
    written: bytes
    replaced: bytes | None = None


def original_of(config: Config, out: Path) -> Config:
    """Return the config that `config`, one of ours, took the place of.

    Raises ShimtoolError when it is no config of ours, was not converted in place, or was edited
    since, or when its original is damaged.
    """
    return parse(_kept_for(config, out, config.path.resolve()).original, config.path)


def converted_in_place(folder: Path) -> list[Path]:
    """Return the configs in `folder` that may need restoring: ours, also those broken since."""

    def candidate(path: Path) -> bool:
        try:
            return open_config(path).ours
        except ShimtoolError:
            return BLOCK in _content(path)  # restore() says what is wrong with it

    found = [path for path in paths(find_configs((), folder)) if candidate(path)]
    if not found:
        raise fault("no config here was converted in place", folder, remedy="name it, or --in DIR")
    return found


def _content(path: Path) -> bytes:
    try:
        return read_config(path)
    except ShimtoolError:
        return BLOCK  # whatever it is, it needs a look


def opened_config(config: Path) -> AbstractContextManager[OpenedFile]:
    """Open a config that is to be replaced, links followed once.

    Raises ShimtoolError where others than root and this user could exchange it.
    """
    return opened(config, _MOST)


def sweep_folders_of(configs: Iterable[Path]) -> None:
    """Remove what killed runs left beside configs, where nobody else could mean other files."""
    folders = set()
    for config in configs:
        with suppress(ShimtoolError, OSError):
            folders.add(own_path(config).parent)
    for folder in folders:
        sweep(folder)


def restore(config: Path, out: Path) -> None:
    """Bring back the exact bytes from before --in-place; owner and mode stay the file's own."""
    with os_errors_as_faults("restore", config), locked(out), opened_config(config) as there:
        sweep(there.path.parent)
        kept = _kept_for(parse(there.data, config), out, there.path)
        with Staging() as staging:
            write_over(staging, there, kept.original)
        shutil.rmtree(kept.folder)


def stage_original(
    staging: Staging, folder: Path, there: OpenedFile, *, original: bytes, written: bytes
) -> None:
    """Stage in `folder` what restore() will need of a config that changes from one to the other.

    `there` is the config as it is now. Raises ShimtoolError when that was edited since it was
    read, or when another config of this name was converted in place before.
    """
    config, path = there.path, str(there.path)
    # Of this very config, what is kept may be in the midst of a change that was interrupted.
    before = _load(folder) if _config_of(folder) != path else None
    if before and _still_ours(before):
        raise fault(
            "another config of this guest's name was converted in place",
            config,
            seen=before.config,
            remedy=f"restore that first (shimtool restore {before.config})",
        )
    facts = _Facts(path, sha256(original).hexdigest())
    make_folder(folder)
    sweep(folder)
    if there.data not in (original, _maybe(folder / _WRITTEN), _maybe(folder / _REPLACED)):
        raise changed_error(config)
    staging.open(folder / _REPLACED).write(there.data)
    staging.open(folder / _ORIGINAL).write(original)
    staging.open(folder / _WRITTEN).write(written)
    staging.open(folder / _FACTS).write(json.dumps(asdict(facts)).encode())


def discard_replaced(out: Path, name: str) -> None:
    """Forget the replaced config, now that all that keep() staged is in place."""
    (kept_in(out, name) / _REPLACED).unlink(missing_ok=True)


def write_over(staging: Staging, there: OpenedFile, data: bytes) -> None:
    """Stage new content for a config, keeping owner and mode."""
    try:
        staging.replace(there).write(data)
    except ShimtoolError as error:
        raise ShimtoolError(*error.faults, Fault(_MOUNT_WRITABLE, Location(there.path))) from None


_MOUNT_WRITABLE = "the config's own folder must be writable for this (-v /etc/xen:/in without :ro)"


def _kept_for(config: Config, out: Path, real: Path) -> SavedOriginal:
    """Return what is kept of `config`, whose path without links is `real`."""
    path = config.path
    name = config.name if config.ours else None
    if name is None or not name.text or "/" in name.text or name.text in (".", ".."):
        raise fault("shimtool did not convert this config", path)
    kept = _load(kept_in(out, name.text))
    if kept is None or kept.config != str(real):
        raise fault(
            "shimtool wrote this config, but not in place of another",
            path,
            seen=f"kept there is that of {kept.config}" if kept else f"nothing is kept in {out}",
            remedy="name the guest's PV config, or the --out that was used then",
        )
    if config.data not in (kept.written, kept.replaced):
        written = kept.folder / _WRITTEN
        raise ShimtoolError(
            Fault(
                "this config was edited after shimtool converted it",
                Location(path),
                remedy=f"copy {kept.folder / _ORIGINAL} over {path}, make the same edit"
                " there, then convert again",
                detail=diff(kept.written, config.data, str(written), str(path)),
            )
        )
    return kept


def kept_in(out: Path, name: str) -> Path:
    """Return where the guest's original is kept, there or not. Raises ShimtoolError for links."""
    folder = out / "originals" / name
    for path in (folder.parent, folder):
        if path.is_symlink():
            raise fault("a link is in the way", path, remedy="put the folder itself there")
    return folder


def _config_of(folder: Path) -> str | None:
    """Return which config is kept in `folder`, if that can be read."""
    try:
        return _facts(folder).config
    except (ShimtoolError, OSError, DamagedDocumentError):
        return None


def _facts(folder: Path) -> _Facts:
    return typed(parse_json(_read(folder / _FACTS)), _Facts)


def _load(folder: Path) -> SavedOriginal | None:
    """Read what is kept in `folder`; None where there is nothing."""
    try:
        facts = _facts(folder)
        original, written = _read(folder / _ORIGINAL), _read(folder / _WRITTEN)
        replaced = _maybe(folder / _REPLACED)
        kept = SavedOriginal(folder, facts.config, original, written, replaced)
        sound = sha256(original).hexdigest() == facts.sha256
        damage = "" if sound else f"{_ORIGINAL} has not the sha256 that {_FACTS} says"
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise os_error(error, "read", error.filename or folder) from None
    except DamagedDocumentError as error:
        damage = f"{_FACTS}: {error}"
    except ShimtoolError as error:  # something else than a plain file
        damage = reason(error.faults[0])
    if damage:
        raise fault(
            "the original kept here is damaged",
            folder,
            seen=damage,
            remedy="compare it with a backup of the config, and put that in place by hand",
        )
    return kept


def _read(path: Path) -> bytes:
    """Read a file of ours. Raises FileNotFoundError, and ShimtoolError if it is no plain one."""
    path.lstat()
    with open_regular(path) as file:
        return file.read(_MOST)


def _maybe(path: Path) -> bytes | None:
    try:
        return _read(path)
    except (ShimtoolError, OSError):
        return None


def _still_ours(kept: SavedOriginal) -> bool:
    try:
        return read_config(Path(kept.config)) == kept.written
    except ShimtoolError:
        return False
