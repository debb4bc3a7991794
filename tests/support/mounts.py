"""File systems that are mounted for a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.programs import run


@contextmanager
def mounted(at: Path, *words: str | Path) -> Iterator[Path]:
    """Mount at a folder what `words` say to mount(8), for the block, with all that comes below."""
    run(["mount", *words, at])
    try:
        yield at
    finally:
        run(["umount", "--recursive", at])
