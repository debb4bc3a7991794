"""Paths inside a guest's file system: links are followed inside it, and only there."""

from collections import deque

from shimtool.payload.guest_disk.file_systems import Node
from shimtool.payload.jailed.answers import UnreadableError

LINK_LIMIT = 40  # Linux's own (path_resolution(7))


def find(root: Node, path: str) -> tuple[Node, str] | None:
    """Return what `path` leads to from `root`, links followed, and the path it then has.

    None when there is nothing. Raises UnreadableError when links lead round in circles, or the
    file system cannot be read on the way.
    """
    done: list[tuple[str, Node]] = []
    pending = deque(_parts(path))
    links = 0
    while pending:
        part = pending.popleft()
        if part == "..":
            del done[-1:]
            continue
        node = (done[-1][1] if done else root).child(part)
        if node is None:
            return None
        if node.kind != "link":
            done.append((part, node))
            continue
        links += 1
        if links > LINK_LIMIT:
            raise UnreadableError(f"symbolic links lead round in circles at {path}")
        target = node.target()
        pending.extendleft(reversed(_parts(target)))
        done = [] if target.startswith("/") else done
    return done[-1][1] if done else root, "/" + "/".join(name for name, _node in done)


def find_file(root: Node, path: str) -> tuple[Node, str] | None:
    """Return a regular file and its own path; None when there is none."""
    found = find(root, path)
    return found if found and found[0].kind == "file" else None


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]
