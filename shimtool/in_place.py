"""--in-place and its way back: the original is kept in --out as NAME.original.cfg.

Beside it stands NAME.cfg, just what was put in the original's place: whoever edited the file
since is shown the difference instead of losing it.
"""

import os
from pathlib import Path

from shimtool import show
from shimtool.errors import Fault, ShimtoolError, Where, fault, from_os
from shimtool.folders import find_configs
from shimtool.write.files import Staging
from shimtool.xl.edit import is_ours
from shimtool.xl.syntax import Document, open_config, parse


def original_file(out: Path, name: str) -> Path:
    """Where the guest's config from before is kept."""
    return out / f"{name}.original.cfg"


def original_of(document: Document, out: Path) -> Document:
    """Return the config that `document`, one of ours, took the place of.

    Raises ShimtoolError when it is no config of ours, was not converted in place, or was edited
    since.
    """
    path = document.path
    name = document.string("name") if is_ours(document) else None
    if name is None or not _is_file_name(name.text):
        raise fault("shimtool did not convert this config", path)
    kept, written = original_file(out, name.text), out / f"{name.text}.cfg"
    try:
        original, ours = kept.read_bytes(), written.read_bytes()
    except FileNotFoundError:
        raise fault(
            "shimtool wrote this config, but not in place of another",
            path,
            seen=f"no {kept}",
            remedy="name the guest's PV config, or the --out that was used then",
        ) from None
    except OSError as error:
        raise from_os(error, "read", error.filename or kept) from None
    if document.data != ours:
        raise ShimtoolError(
            Fault(
                "this config was edited after shimtool converted it",
                Where(path),
                remedy=f"make the same edit in {kept}, copy that over {path}, then convert again",
                detail=show.diff(ours, document.data, str(written), str(path)),
            )
        )
    return parse(original, path)


def converted_in_place(folder: Path) -> list[Path]:
    """Return the configs in `folder` that convert --in-place wrote; at least one, or an error."""
    found = [path for path in find_configs((), folder) if is_ours(open_config(path))]
    if not found:
        raise fault("no config here was converted in place", folder, remedy="name it, or --in DIR")
    return found


def restore(config: Path, out: Path) -> None:
    """Bring back the exact bytes from before --in-place; owner and mode stay the file's own."""
    original = original_of(open_config(config), out)
    with Staging() as staging:
        write_over(staging, config, original.data)


def write_over(staging: Staging, config: Path, data: bytes) -> None:
    """Stage new content for an existing file, through a link to it, keeping owner and mode."""
    target = config.resolve()
    status = target.stat()
    file = staging.open(target, status.st_mode & 0o7777)
    os.fchown(file.fileno(), status.st_uid, status.st_gid)
    file.write(data)


def _is_file_name(name: str) -> bool:
    return bool(name) and "/" not in name and "\0" not in name
