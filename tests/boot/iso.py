"""An ISO's files as pycdlib reads them: where they are and what they hold."""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import pycdlib
from elftools.elf.elffile import ELFFile

from shimtool.commands.boot_log import Span

SECTOR = 2048


@dataclass(frozen=True)
class Place:
    """A file's range in an ISO, in bytes."""

    name: str
    start: int
    end: int


def places(iso: Path) -> list[Place]:
    """List the files of the root folder, in the order of their content."""
    disc = pycdlib.PyCdlib()
    disc.open(str(iso))
    found = []
    for child in disc.list_children(iso_path="/"):
        if child.is_file():
            start = child.extent_location() * SECTOR
            name = child.file_identifier().decode()
            found.append(Place(name, start, start + child.get_data_length()))
    disc.close()
    return sorted(found, key=lambda place: (place.start, place.end))


def shim_version(iso: Path) -> str:
    """Return the version of the shim that the ISO says it holds."""
    disc = pycdlib.PyCdlib()
    disc.open(str(iso))
    data = io.BytesIO()
    disc.get_file_from_iso_fp(data, iso_path="/shimtool.json")
    disc.close()
    return str(json.loads(data.getvalue())["shim"]["version"])


def loaded(elf: bytes) -> Span:
    """Return the physical addresses that an ELF image is loaded to."""
    headers = (segment.header for segment in ELFFile(io.BytesIO(elf)).iter_segments("PT_LOAD"))
    spans = [(header.p_paddr, header.p_paddr + header.p_memsz) for header in headers]
    return Span(min(start for start, _ in spans), max(end for _, end in spans))
