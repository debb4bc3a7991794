"""Which configs to read: those named, those that a pattern means, or those of a folder."""

import glob
import os
import stat
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path

from shimtool.deferred import dataclass
from shimtool.dom0.paths import SearchPaths
from shimtool.dom0.resolve import PathMap
from shimtool.dom0.symlinks import follow, real_path
from shimtool.errors import Fault, Location, ShimtoolError, fault, os_error

_REMEDY = "mount the configs (-v /etc/xen:/in:ro), give --in DIR, or name the files"
_READABLE = "run as root, or as a user who may"
_MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something that may stand for a guest, and why its config cannot even be opened."""

    path: Path
    fault: Fault


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to read, in order, each file once; `skipped` are (file, why not)."""

    configs: tuple[Path | Unusable, ...]
    skipped: tuple[tuple[Path, str], ...] = ()


def find_configs(
    named: Sequence[Path], folder: Path, search_paths: SearchPaths | None = None
) -> Found:
    """Find the configs to read, absolute: what is named, else the guests in `folder`.

    - A file is read whatever it is called; a folder gives its guest configs, by name, and those
      of its own folder auto/ (what xendomains starts), without going deeper.
    - A pattern that no shell expanded ("/etc/xen/*.cfg") gives the guest configs it matches.
    - A path that is not here is taken for dom0's, and looked for through the mappings of
      `search_paths`.
    - A link is followed as dom0 would; a file that is reached in several ways is read once.

    Raises ShimtoolError when `folder` is needed and has none.
    """
    search = _Search(search_paths or SearchPaths())
    if named:
        for path in named:
            search.take_named(path)
        return search.result()
    try:
        search.take_folder(folder.absolute())
    except OSError as error:
        remedy = "mount the configs (-v /etc/xen:/in:ro), or give --in DIR"
        raise os_error(error, "read configs", folder, remedy) from None
    found = search.result()
    if not found.configs:
        raise ShimtoolError(_no_guests(folder, found))
    return found


def paths(found: Found) -> list[Path]:
    """Return the configs that can be opened."""
    return [each for each in found.configs if isinstance(each, Path)]


def _no_guests(path: Path, found: Found) -> Fault:
    names = [f"{each.name} ({why})" for each, why in found.skipped]
    seen = ", ".join(names[:_MOST_NAMES]) or "an empty folder"
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return Fault("no guest config here", Location(path), seen + more, _REMEDY)


@dataclass
class _Search:
    """Gathers; files are told apart by their path without links."""

    search_paths: SearchPaths
    configs: dict[str, Path | Unusable] = field(default_factory=dict)
    skipped: dict[Path, str] = field(default_factory=dict)
    seen_configs: int = 0  # with those that had been found before

    def result(self) -> Found:
        return Found(tuple(self.configs.values()), tuple(self.skipped.items()))

    def take_named(self, named: Path) -> None:
        path = _here(named.absolute(), self.search_paths)
        try:
            target = follow(path, self.search_paths)
            if target.is_dir():
                self._take_all(path, partial(self.take_folder, target))
            elif glob.has_magic(str(path)) and not os.path.lexists(path):
                self._take_all(named, partial(self._take_pattern, path))
            else:
                self._take(path, target)
        except (ShimtoolError, OSError) as error:
            self._refuse(path, error)

    def take_folder(self, folder: Path) -> None:
        """Take the guests of `folder`; raises OSError when it cannot be read."""
        self._take_likely(folder.iterdir())
        auto = folder / "auto"
        try:
            self._take_likely(follow(auto, self.search_paths).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            pass  # not there, or a guest's config of that name, taken above
        except (ShimtoolError, OSError) as error:
            self._refuse(auto, error)

    def _take_pattern(self, pattern: Path) -> None:
        self._take_likely(map(Path, glob.iglob(str(pattern))))  # noqa: PTH207 - it is absolute

    def _take_all(self, named: Path, take: Callable[[], None]) -> None:
        before = self.seen_configs
        take()
        if self.seen_configs == before:
            self._refuse(named, ShimtoolError(_no_guests(named, self.result())))

    def _take_likely(self, entries: Iterable[Path]) -> None:
        """Take what looks like a config; files before links, so that they show as themselves."""
        for path in sorted(entries, key=lambda path: (path.is_symlink(), str(path))):
            try:
                self._take_if_likely(path, follow(path, self.search_paths))
            except (ShimtoolError, OSError) as error:
                self._refuse(path, error)

    def _take_if_likely(self, path: Path, target: Path) -> None:
        status = target.lstat()
        if stat.S_ISDIR(status.st_mode):
            return  # scripts/ and the like
        from shimtool.configs.recognize import why_not  # noqa: PLC0415 - takes 2 ms

        if why := why_not(path.name, target, status):
            self.skipped[path] = why
        else:
            self._take(path, target)

    def _take(self, path: Path, target: Path) -> None:
        self.seen_configs += 1
        real = real_path(target)
        shown = path if path is target or os.path.realpath(path) == real else Path(real)
        self.configs.setdefault(real, shown)

    def _refuse(self, path: Path, error: ShimtoolError | OSError) -> None:
        self.seen_configs += 1
        if isinstance(error, OSError):
            error = fault(f"cannot read it: {error.strerror}", path, remedy=_READABLE)
        self.configs.setdefault(str(path), Unusable(path, error.faults[0]))


def _here(path: Path, search_paths: SearchPaths) -> Path:
    """Return where dom0's `path` is here, unless there is such a path here too."""
    mapped = PathMap(search_paths.maps).locate(str(path))
    if mapped is None or os.path.lexists(path):
        return path
    return mapped if os.path.lexists(mapped) or glob.has_magic(str(path)) else path
