"""Debian's own xl 4.17, which says what it makes of a config: `xl create -n`, without Xen."""

import json
import os
import subprocess
from functools import cache
from pathlib import Path

from tests.support import debs, libxlu
from tests.support.programs import run


@cache
def _environment() -> dict[str, str]:
    stub, settings = debs.CACHE / "xl-stub.so", debs.CACHE / "xl.conf"
    source, fresh = Path(__file__).with_name("xl_stub.c"), debs.CACHE / f".xl-stub-{os.getpid()}"
    run(["gcc", "-shared", "-fPIC", "-o", fresh, source, "-ldl"])
    fresh.replace(stub)
    settings.write_text('autoballoon="off"\n')
    folders = {path.parent for package, _ in libxlu.PACKAGES for path in _libraries(package)}
    return {
        **os.environ,
        "LD_PRELOAD": str(stub),
        "LD_LIBRARY_PATH": ":".join(map(str, sorted(folders))),
        "XL_SETTINGS": str(settings),
    }


def _libraries(package: str) -> list[Path]:
    return list(debs.unpacked(package).glob("**/x86_64-linux-gnu/lib*.so*"))


def created(config: Path) -> dict[str, object] | str:
    """Return libxl's own JSON of the guest that xl would create, or what it says against it."""
    (xl,) = debs.unpacked("xen-utils-4.17").glob("**/bin/xl")
    argv = [str(xl), "create", "-n", str(config)]
    done = subprocess.run(argv, capture_output=True, check=False, env=_environment())
    if done.returncode:
        return done.stderr.decode(errors="replace") or f"exit code {done.returncode}"
    found = json.loads(done.stdout.decode(errors="surrogateescape"))
    assert isinstance(found, dict)
    return found
