"""Which files of a folder are guest configs."""

import os
from collections.abc import Sequence
from pathlib import Path

from shimtool.errors import fault, from_os


def find_configs(named: Sequence[Path], folder: Path) -> list[Path]:
    """Return the configs to read, absolute: those named, else every *.cfg in `folder`, by name.

    A file that is named twice, or through a link too, is read once.
    """
    if named:
        return list({path.resolve(): path.absolute() for path in reversed(named)}.values())[::-1]
    try:
        found = sorted(
            path.absolute()
            for path in folder.iterdir()
            if path.suffix == ".cfg" and not path.name.startswith(".")
        )
    except OSError as error:
        raise from_os(
            error,
            "read configs",
            folder,
            "mount the configs (-v /etc/xen:/in:ro), or give --in DIR",
        ) from None
    if not found:
        raise fault(
            "no guest config (*.cfg) here",
            folder,
            seen=", ".join(sorted(os.listdir(folder))[:20]) or "an empty folder",  # noqa: PTH208 - names only
            remedy="mount the configs (-v /etc/xen:/in:ro), give --in DIR, or name the files",
        )
    return found
