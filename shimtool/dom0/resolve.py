"""Walking a path of dom0's here, component by component, as dom0's kernel would.

No symbolic link is ever left to this machine: an absolute target would lead into the
container's own files, and a hostile one anywhere.
"""

import os
import posixpath
import stat
from collections import deque
from collections.abc import Iterable
from pathlib import Path

LINK_LIMIT = 40  # Linux's own (path_resolution(7))


class MissingError(Exception):
    """Nothing here has the path asked for, as far as can be seen; the message may say why."""


class UnresolvableLinkError(Exception):
    """Something is there but cannot be followed."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class PathMap:
    """Parts of dom0's tree that are here: (dom0 prefix, file or folder here).

    As with mounts the longest prefix wins, and of equal ones the last.
    """

    def __init__(self, mappings: Iterable[tuple[str, Path]]) -> None:
        # The folder itself was named by the admin, so links in *its* path are this machine's.
        table = {tuple(_parts(prefix)): Path(os.path.realpath(here)) for prefix, here in mappings}
        self._table = sorted(table.items(), key=lambda item: -len(item[0]))

    def locate(self, host: str) -> Path | None:
        """Return where dom0's path `host` is here, or would be; None outside of the mappings."""
        parts = tuple(_parts(posixpath.normpath(host)))
        for prefix, here in self._table:
            if parts[: len(prefix)] == prefix:
                return here.joinpath(*parts[len(prefix) :])
        return None


def resolve(path_map: PathMap, path: str) -> Path:
    """Return where dom0's absolute `path` is here, links resolved; it exists, of any kind.

    Folders outside of `path_map` are taken for plain ones, so `..` leads back from them as text.
    Raises MissingError when the path is not there, UnresolvableLinkError when a link leads to
    nothing, outside of `path_map` or round in circles.
    """
    done: list[str] = []
    pending = deque(_parts(path))
    links: list[str] = []
    dangling = False  # the last component was a link, so what is missing is its target
    while pending:
        part = pending.popleft()
        if part == "..":
            del done[-1:]
            continue
        host = "/" + "/".join([*done, part])
        target = _link_target(path_map.locate(host), links[-1] if dangling else None)
        if target is None:
            done.append(part)
            continue
        links.append(host)
        if len(links) > LINK_LIMIT:
            raise UnresolvableLinkError(
                f"{host} leads round in circles", "mend the symbolic links in dom0"
            )
        dangling = dangling or not pending
        pending.extendleft(reversed(_parts(target)))
        done = [] if target.startswith("/") else done
    return _located(path_map, "/" + "/".join(done), links)


def _link_target(here: Path | None, led_by: str | None) -> str | None:
    """Read a symbolic link; None for anything else and for what is not here."""
    if here is None:
        return None
    try:
        return str(here.readlink()) if stat.S_ISLNK(here.lstat().st_mode) else None
    except (FileNotFoundError, NotADirectoryError):
        if led_by is None:
            raise MissingError from None
        message = f"the symbolic link {led_by} leads to {here}, which is not there"
        raise UnresolvableLinkError(
            message, "mount the folder that holds its target, or mend the link"
        ) from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise MissingError(f" ({why})") from None


def _located(path_map: PathMap, host: str, links: list[str]) -> Path:
    here = path_map.locate(host)
    if here is not None:
        return here
    if not links:
        raise MissingError
    folder = posixpath.dirname(host)
    raise UnresolvableLinkError(
        f"the symbolic link {links[-1]} leads to dom0's {host}, outside of what is mapped here",
        f"mount that folder and say where: -v {folder}:{folder}:ro --map {folder}={folder}",
    )


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
