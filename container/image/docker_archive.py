"""Write an image as a docker-archive that docker and podman both load, the same bytes each time.

`docker_archive.py SAVED DEST NAME`: SAVED is what an engine saved, DEST the new archive, NAME
how the image will be called once loaded. In it: NAME's manifest.json, the image's configuration,
one tar for each layer, and nothing else; a shell can read that (container/launcher does).
"""

import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path


def main() -> None:
    """Rewrite one archive."""
    saved, dest, name = sys.argv[1:]
    with tarfile.open(saved) as source, tarfile.open(dest, "w", format=tarfile.USTAR_FORMAT) as new:
        (image,) = json.loads(_read(source, "manifest.json"))
        config = _read(source, image["Config"])
        layers = [_read(source, layer) for layer in image["Layers"]]
        files = {f"{hashlib.sha256(data).hexdigest()}.tar": data for data in layers}
        title = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": title, "RepoTags": [name], "Layers": list(files)}]
        text = json.dumps(manifest, separators=(",", ":")).encode() + b"\n"
        for path, data in {"manifest.json": text, title: config, **files}.items():
            entry = tarfile.TarInfo(path)  # mode 644, root's, time 0
            entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))


def _read(archive: tarfile.TarFile, path: str) -> bytes:
    """Read a member; docker writes equal layers as links to one another."""
    file = archive.extractfile(path)
    if file is None:
        sys.exit(f"{Path(str(archive.name)).name}: {path} is no file")
    with file:
        return file.read()


if __name__ == "__main__":
    main()
