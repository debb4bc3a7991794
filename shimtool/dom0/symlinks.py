"""Links to configs, followed as dom0 would follow them, and not as this machine does."""

import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from shimtool.dom0.paths import SearchPaths
from shimtool.dom0.resolve import MissingError, PathMap, UnresolvableLinkError, resolve
from shimtool.errors import fault

# Folders of links to configs, below that in which dom0 keeps these.
_AUTO = {"auto": "/etc/xen", "autostart": "/etc/libvirt/libxl"}


def follow(path: Path, search_paths: SearchPaths) -> Path:
    """Return what `path` leads to here, its links followed as dom0 would; `path` if it is none.

    What is below the HERE of a --map has dom0's path there. Of an auto folder that no mapping
    knows, the folder around it is tried as /etc/xen too: it may be a copy of that.

    Raises ShimtoolError naming the link and its target.
    """
    if not path.is_symlink():
        return path
    problem: UnresolvableLinkError | None = None
    for path_map, host in _path_maps(path, search_paths):
        try:
            return resolve(path_map, host)
        except UnresolvableLinkError as error:
            problem = problem or error
        except MissingError:
            continue
    raise fault(
        f"a symbolic link to {path.readlink()}, which cannot be followed: {problem or 'not here'}",
        path,
        remedy=problem.remedy if problem else "mend the link, or name the config itself",
    )


def _path_maps(path: Path, search_paths: SearchPaths) -> Iterator[tuple[PathMap, str]]:
    """Yield views of dom0, the surest first, and the path of `path` in each."""
    real = Path(real_path(path))
    maps = [(prefix, _real_folder(here)) for prefix, here in search_paths.maps]
    if known := [(prefix, here) for prefix, here in maps if real.is_relative_to(here)]:
        prefix, here = max(known, key=lambda each: len(each[1]))
        yield PathMap(search_paths.maps), str(Path(prefix) / real.relative_to(here))
        return
    yield PathMap((("/", Path("/")), *search_paths.maps)), str(real)
    auto = path if path.name in _AUTO else path.parent
    if home := _AUTO.get(auto.name):
        around = auto.parent
        copy = PathMap((("/", Path("/")), (home, around), *search_paths.maps))
        yield copy, f"{home}/{path.relative_to(around)}"


@lru_cache
def _real_folder(folder: Path) -> str:
    return os.path.realpath(folder)


def real_path(path: Path) -> str:
    """Return the path, without links, of a file that is no link itself."""
    return f"{_real_folder(path.parent)}/{path.name}"
