"""A file that is read and then replaced, with nothing exchanged between: its folder stays open."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shimtool.deferred import dataclass
from shimtool.errors import fault, os_errors_as_faults
from shimtool.system.files import open_regular, stamp_of
from shimtool.system.ownership import own_folder, own_path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A plain file as it was read: `path` has no links, `folder` is its open folder.

    `status` is that of the very file that `data` was read from.
    """

    path: Path
    folder: int
    status: os.stat_result
    data: bytes

    def check(self) -> None:
        """Raise ShimtoolError when another file, or other content, has its name by now."""
        try:
            now = os.stat(self.path.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            now = None
        if now is None or stamp_of(now) != stamp_of(self.status):
            raise fault(
                "the file was exchanged or edited meanwhile",
                self.path,
                remedy="see who else works on it, then try again",
            )


@contextmanager
def opened(path: Path, limit: int) -> Iterator[OpenedFile]:
    """Read up to `limit` bytes of the file that `path` leads to, links followed once.

    Raises ShimtoolError where others than root and this user could exchange it.
    """
    with ExitStack() as stack:
        with os_errors_as_faults("read", path):
            real = own_path(path)
            own_folder(real.parent)
            folder = os.open(real.parent, _FOLDER)
            stack.callback(os.close, folder)
            # Open to the end: no other file can have its inode meanwhile.
            file = stack.enter_context(open_regular(real, folder=folder))
            found = OpenedFile(real, folder, os.fstat(file.fileno()), file.read(limit))
        yield found
