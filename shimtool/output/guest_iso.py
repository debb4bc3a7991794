"""One guest's boot ISO, of what was planned: how long it will be, and the file itself."""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from shimtool.assets import Assets
from shimtool.model import Payload, Plan, SourceFile
from shimtool.output.destination import Destination
from shimtool.output.iso_content import Sources, iso_files
from shimtool.output.iso_layout import lay_out
from shimtool.output.iso_writer import write_iso
from shimtool.payload.kernel.compression import OUTPUT_LIMIT


def size_of_iso(plan: Plan, payload: Payload, shim: SourceFile, assets: Assets) -> int:
    """Return how many bytes it will have, with what a kernel to unpack says of itself."""
    file, room = payload.kernel.file, payload.kernel.facts.room
    if plan.image.unpack and room:
        file = replace(file, size=max(1, min(room.image, OUTPUT_LIMIT)))
    sources = Sources(shim, file, payload)
    return lay_out(iso_files(plan.image, sources, assets, guest=plan.guest.name)).size


def write_guest_iso(  # noqa: PLR0913 - all that it is made of
    out: BinaryIO, *, iso: Path, plan: Plan, payload: Payload, shim: SourceFile, to: Destination
) -> None:
    """Write it to `out`, a file that will have the name `iso`."""
    kernel = payload.kernel
    stored = to.unpacked.get(kernel) if plan.image.unpack else kernel.file
    sources = Sources(shim, stored, payload)
    files = iso_files(plan.image, sources, to.assets, guest=plan.guest.name)
    layout = write_iso(files, out, to.blocks)
    to.blocks.written(iso, out, files, layout.places)
