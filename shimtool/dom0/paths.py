"""dom0's paths to files here, through mappings, links followed as dom0 would follow them."""

import posixpath
from functools import lru_cache
from pathlib import Path, PurePosixPath

from shimtool.deferred import dataclass
from shimtool.dom0.resolve import MissingError, PathMap, UnresolvableLinkError, resolve
from shimtool.errors import Code, Fault, Location, ShimtoolError, fault
from shimtool.model import ConfigString
from shimtool.system import files


@dataclass(frozen=True, slots=True)
class SearchPaths:
    """Where dom0's files may be here.

    `maps` are (host prefix, file or folder here) of --map; `kernels` the folders of --kernels.
    """

    maps: tuple[tuple[str, Path], ...] = ()
    kernels: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a config names: dom0's path as written, and the regular file here."""

    dom0_path: str
    path: Path


@dataclass(frozen=True, slots=True)
class _Query:
    """What is looked for, and on whose behalf."""

    what: str
    path: str
    where: Location


def find(
    search_paths: SearchPaths, wanted: ConfigString, config: Path, what: str = "kernel"
) -> Found:
    """Find a kernel or ramdisk of dom0's, or another regular file; see `locate`."""
    found = locate(search_paths, wanted, config, what)
    query = _Query(what, wanted.text, Location(config, wanted.line))
    faults = [
        error for candidate in found if (error := files.unreadable_reason(candidate, query.where))
    ]
    if faults:
        raise ShimtoolError(*faults)
    _refuse_different(query, found)
    return Found(wanted.text, found[0])


def find_disk(search_paths: SearchPaths, wanted: ConfigString, config: Path) -> Path:
    """Find a guest's disk, a block device or file, as `locate` does; the first find counts."""
    return locate(SearchPaths(search_paths.maps), wanted, config, "disk")[0]


def locate(search_paths: SearchPaths, wanted: ConfigString, config: Path, what: str) -> list[Path]:
    """Find the file that dom0 knows as `wanted.text`; `what` names it in messages.

    1. A --map whose prefix covers the path is certain: it alone counts (the longest prefix,
       as with mounts), and a file missing there is missing.
    2. Else the path itself counts, and under the --kernels folders the longest tail of the path
       that exists in any of them (/boot/guests/vmlinuz: DIR/boot/guests/vmlinuz, then
       DIR/guests/vmlinuz, then DIR/vmlinuz).
       Neither is certain (a container has a /boot of its own), so if these give different
       files, with different content, that is an error showing them.

    Links: each component is looked at without the machine following it. A link's target is a
    path of dom0's and goes through the mapping it was found by (DIR/guests/vmlinuz makes DIR
    dom0's /boot), or through a --map. One that leads outside of them is an error naming the
    --map to add; so are more than 40 links.

    Raises ShimtoolError at the config's line, also for relative paths. find() refuses too what
    is no regular file, empty or unreadable: if one place has such a file, the others do not count.
    """
    query = _Query(what, wanted.text, Location(config, wanted.line))
    _refuse_unusable(query)
    places = _Places(search_paths, query)
    candidates = places.mapped() if places.covered else [*places.itself(), *places.tails()]
    if not candidates:
        raise _missing(query, places, search_paths)
    return candidates


@lru_cache
def _path_map(maps: tuple[tuple[str, Path], ...]) -> PathMap:
    return PathMap(maps)  # of many guests, the same


class _Places:
    """The rules, each giving the files it finds (regular or not) and noting where it looked."""

    def __init__(self, search_paths: SearchPaths, query: _Query) -> None:
        self._roots = search_paths
        self._query = query
        self._maps = _path_map(search_paths.maps)
        self.covered = self._maps.locate(query.path) is not None
        self.looked: list[str] = []

    def mapped(self) -> list[Path]:
        return self._try(self._maps)

    def itself(self) -> list[Path]:
        return self._try(_path_map((("/", Path("/")), *self._roots.maps)))

    def tails(self) -> list[Path]:
        """Return the finds of the longest tail that any --kernels folder has."""
        parts = [part for part in posixpath.normpath(self._query.path).split("/") if part]
        for cut in range(len(parts)):
            prefix = "/" + "/".join(parts[:cut])
            path_maps = (_path_map(((prefix, d), *self._roots.maps)) for d in self._roots.kernels)
            if found := [path for path_map in path_maps for path in self._try(path_map)]:
                return found
        return []

    def _try(self, path_map: PathMap) -> list[Path]:
        try:
            return [resolve(path_map, self._query.path)]
        except MissingError as missing:
            self.looked.append(f"{path_map.locate(self._query.path)}{missing}")
            return []
        except UnresolvableLinkError as error:
            raise ShimtoolError(
                Fault(
                    f"{self._query.what} {self._query.path}: {error}",
                    self._query.where,
                    remedy=error.remedy,
                )
            ) from None


def _refuse_unusable(query: _Query) -> None:
    """Refuse what cannot be looked for."""
    why, remedy = None, "give the full path in dom0"
    if not query.path:
        why = "is empty"
    elif "\0" in query.path:
        why = "holds a zero byte"
    elif not query.path.startswith("/"):
        why = "is relative: xl takes it from the folder it is started in, which nobody knows here"
    if why:
        message = f"the path of the {query.what} {why}"
        raise fault(message, query.where.path, query.where.line, seen=query.path, remedy=remedy)


def _missing(query: _Query, places: _Places, search_paths: SearchPaths) -> ShimtoolError:
    folder = PurePosixPath(query.path).parent
    looked = ", ".join(dict.fromkeys(places.looked))
    # Where /kernels is taken, its own path serves as well; but nothing can be mounted over /.
    here = folder if search_paths.kernels and folder.name else "/kernels"
    remedy = f"say where it is: --map {folder}=DIR, or to docker run: -v {folder}:{here}:ro"
    if query.what == "disk":
        remedy = f"say where it is: --map {folder}=DIR, or to docker run: --device {query.path}"
    if places.covered:
        remedy = f"correct the --map that covers it, or add --map {folder}=DIR"
    return fault(
        f"{query.what} {query.path} is not here; looked at {looked}",
        query.where.path,
        query.where.line,
        seen=query.path,
        remedy=remedy,
        code=Code.FILE_MISSING,
    )


def _refuse_different(query: _Query, candidates: list[Path]) -> None:
    """Refuse candidates that differ in content; hard links and copies are the same."""
    first, *others = candidates
    differing = [path for path in others if not files.same_content(first, path)]
    if differing:
        folder = PurePosixPath(query.path).parent
        raise fault(
            f"{query.what} {query.path} could be any of these different files: "
            + ", ".join(str(path) for path in (first, *differing)),
            query.where.path,
            query.where.line,
            seen=query.path,
            remedy=f"say which: --map {folder}=DIR",
        )
