"""An ISO as convert writes it, with small files, for tests of writing and reading it."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shimtool.assets import find_assets
from shimtool.model import (
    BootImage,
    Compression,
    Kernel,
    KernelFacts,
    Mode,
    Payload,
    PreStage,
    Ramdisk,
    Shim,
    SourceFile,
    Wrapping,
)
from shimtool.output.iso_content import MANIFEST_FILE, IsoFile, Sources, iso_files
from shimtool.output.iso_reader import Iso
from shimtool.output.iso_writer import write_iso
from shimtool.output.shared_blocks import SharedBlocks
from shimtool.system.files import stamp_of

PAYLOAD = {"shim": 5000, "kernel": 9000, "ramdisk": 3000}  # names and sizes, bytes


def source(path: Path, size: int) -> SourceFile:
    data = os.urandom(size)
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return SourceFile(str(path), path, size, digest, stamp_of(path.stat()))


@dataclass(frozen=True)
class Made:
    """An ISO as convert writes it, but for its small kernel and shim; where its files lie."""

    data: bytes = field(repr=False)
    places: dict[str, range]

    @property
    def description(self) -> dict[str, Any]:
        place = self.places[MANIFEST_FILE]
        return dict(json.loads(self.data[place.start : place.stop]))

    def described(self, text: bytes | bytearray) -> bytes:
        """Put another shimtool.json of at most the same length in, blanks after it."""
        place = self.places[MANIFEST_FILE]
        assert len(text) <= len(place)
        return self.data[: place.start] + text.ljust(len(place)) + self.data[place.stop :]


def make(folder: Path, *more: IsoFile) -> Made:
    shim, kernel, ramdisk = (source(folder / name, size) for name, size in PAYLOAD.items())
    facts = KernelFacts(Wrapping.BZIMAGE, Compression.XZ, (512, 1024), 64, pv=True)
    payload = Payload(Kernel(kernel, facts), Ramdisk(ramdisk, gzip=True, cpio=True))
    of = Sources(shim, kernel, payload)
    image = BootImage(
        Shim("tiny", shim.path, shim.size, shim.sha256, None, "4.17.7", frozenset(Mode), "here"),
        "pv-shim console=xen,pv",
        payload,
        "root=/dev/xvda2 ro caf\udce9",
        PreStage(vcpus=1),
        hide_gzip=True,
    )
    content = [*iso_files(image, of, find_assets(), guest="web01"), *more]
    path = folder / "x.iso"
    with path.open("w+b") as out:
        write_iso(content, out, SharedBlocks())
    with Iso(path) as iso:
        return Made(path.read_bytes(), {name: place_of(iso, name) for name in iso.names()})


def place_of(iso: Iso, name: str) -> range:
    return range(iso.end(name) - iso.size(name), iso.end(name))
