"""The appliance's files, read from the tarball of `make dist`."""

import io
import tarfile
from functools import cache

from tests.appliance.conftest import Dist

LIBRARIES = "usr/lib/python3/dist-packages"
DOCUMENTS = "usr/share/doc"


@cache
def layers(dist: Dist) -> dict[str, tuple[tarfile.TarInfo, bytes]]:
    """Every member of all layers, with its content."""
    found = {}
    for layer in dist.manifest["Layers"]:
        with tarfile.open(fileobj=io.BytesIO(dist.member(layer))) as archive:
            for entry in archive:
                file = archive.extractfile(entry) if entry.isreg() else None
                found[entry.name.removeprefix("./").rstrip("/")] = (
                    entry,
                    file.read() if file else b"",
                )
    return found
