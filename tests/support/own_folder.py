"""A folder for the launcher's cache, which takes none below /tmp."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def folder_of_root() -> Iterator[Path]:
    """A folder with none above it in which others can make files, as they can in /tmp."""
    with tempfile.TemporaryDirectory(prefix="shimtool-", dir="/srv") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
