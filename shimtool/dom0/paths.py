"""dom0's paths to files here, through mappings, links followed as dom0 would follow them."""

import posixpath
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shimtool.dom0.resolve import MissingError, PathMap, UnresolvableLinkError, resolve
from shimtool.errors import Fault, Location, ShimtoolError, fault
from shimtool.model import ConfigString, GuestDiskFile
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
    """A file that a config names: dom0's path as written, and the regular file here, or the

    guest's disk here that has it `inside`.
    """

    dom0_path: str
    path: Path
    inside: GuestDiskFile | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is looked for, and on whose behalf."""

    what: str
    path: str
    where: Location


def find(roots: SearchPaths, wanted: ConfigString, config: Path, what: str = "kernel") -> Found:
    """Find a kernel or ramdisk of dom0's, or another regular file; see `locate`."""
    found = locate(roots, wanted, config, what)
    asked = _Asked(what, wanted.text, Location(config, wanted.line))
    troubles = [trouble for hit in found if (trouble := files.unreadable_reason(hit, asked.where))]
    if troubles:
        raise ShimtoolError(*troubles)
    _refuse_different(asked, found)
    return Found(wanted.text, found[0])


def find_disk(roots: SearchPaths, wanted: ConfigString, config: Path) -> Path:
    """Find a guest's disk, a block device or file, as `locate` does; the first find counts."""
    return locate(SearchPaths(roots.maps), wanted, config, "disk")[0]


def locate(roots: SearchPaths, wanted: ConfigString, config: Path, what: str) -> list[Path]:
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
    is no regular file, empty or unreadable: if one place is troubled, the others do not count.
    """
    asked = _Asked(what, wanted.text, Location(config, wanted.line))
    _refuse_odd(asked)
    places = _Places(roots, asked)
    hits = places.mapped() if places.covered else [*places.itself(), *places.tails()]
    if not hits:
        raise _missing(asked, places, roots)
    return hits


class _Places:
    """The rules, each giving the files it finds (regular or not) and noting where it looked."""

    def __init__(self, roots: SearchPaths, asked: _Asked) -> None:
        self._roots = roots
        self._asked = asked
        self._maps = PathMap(roots.maps)
        self.covered = self._maps.locate(asked.path) is not None
        self.looked: list[str] = []

    def mapped(self) -> list[Path]:
        return self._try(self._maps)

    def itself(self) -> list[Path]:
        return self._try(PathMap((("/", Path("/")), *self._roots.maps)))

    def tails(self) -> list[Path]:
        """Return the finds of the longest tail that any --kernels folder has."""
        parts = [part for part in posixpath.normpath(self._asked.path).split("/") if part]
        for cut in range(len(parts)):
            prefix = "/" + "/".join(parts[:cut])
            worlds = (PathMap(((prefix, d), *self._roots.maps)) for d in self._roots.kernels)
            if found := [path for world in worlds for path in self._try(world)]:
                return found
        return []

    def _try(self, world: PathMap) -> list[Path]:
        try:
            return [resolve(world, self._asked.path)]
        except MissingError as missing:
            self.looked.append(f"{world.locate(self._asked.path)}{missing}")
            return []
        except UnresolvableLinkError as trouble:
            raise ShimtoolError(
                Fault(
                    f"{self._asked.what} {self._asked.path}: {trouble}",
                    self._asked.where,
                    remedy=trouble.remedy,
                )
            ) from None


def _refuse_odd(asked: _Asked) -> None:
    """Refuse what cannot be looked for."""
    why, remedy = None, "give the full path in dom0"
    if not asked.path:
        why = "is empty"
    elif "\0" in asked.path:
        why = "holds a zero byte"
    elif not asked.path.startswith("/"):
        why = "is relative: xl takes it from the folder it is started in, which nobody knows here"
    if why:
        message = f"the path of the {asked.what} {why}"
        raise fault(message, asked.where.path, asked.where.line, seen=asked.path, remedy=remedy)


def _missing(asked: _Asked, places: _Places, roots: SearchPaths) -> ShimtoolError:
    folder = PurePosixPath(asked.path).parent
    looked = ", ".join(dict.fromkeys(places.looked))
    # Where /kernels is taken, its own path serves as well; but nothing can be mounted over /.
    here = folder if roots.kernels and folder.name else "/kernels"
    remedy = f"give the container that folder: -v {folder}:{here}:ro, or use --map {folder}=DIR"
    if asked.what == "disk":
        remedy = f"give the container that disk: --device {asked.path}, or use --map {folder}=DIR"
    if places.covered:
        remedy = f"correct the --map that covers it, or add --map {folder}=DIR"
    return fault(
        f"{asked.what} {asked.path} is not here; looked at {looked}",
        asked.where.path,
        asked.where.line,
        seen=asked.path,
        remedy=remedy,
    )


def _refuse_different(asked: _Asked, hits: list[Path]) -> None:
    """Refuse candidates that differ in content; hard links and copies are the same."""
    first, *others = hits
    differing = [path for path in others if not files.same_content(first, path)]
    if differing:
        folder = PurePosixPath(asked.path).parent
        raise fault(
            f"{asked.what} {asked.path} could be any of these different files: "
            + ", ".join(str(path) for path in (first, *differing)),
            asked.where.path,
            asked.where.line,
            seen=asked.path,
            remedy=f"say which: --map {folder}=DIR",
        )
