import io
import tarfile
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import NoteSegment

from tests.assets.conftest import GROUP, ROOT
from tests.support import debs
from tests.support.programs import run

pytestmark = GROUP

PVGRUB = ROOT / "container" / "pvgrub"
GUEST_OS = "6"  # Xen's public/elfnote.h
ARCHES = {"x86_64": 64, "i386": 32}
CONFIGS = ("grub.cfg", "entries.cfg", "legacy.cfg")


@pytest.fixture(params=ARCHES)
def image(request: pytest.FixtureRequest, assets: Path) -> Path:
    return assets / "pvgrub" / f"grub-{request.param}-xen.bin"


def test_it_is_a_pv_guest_kernel(image: Path) -> None:
    elf = ELFFile(io.BytesIO(image.read_bytes()))
    assert elf.elfclass == next(bits for arch, bits in ARCHES.items() if arch in image.name)
    notes = [
        (note["n_name"], str(note["n_type"]), note["n_descdata"])
        for segment in elf.iter_segments()
        if isinstance(segment, NoteSegment)
        for note in segment.iter_notes()
    ]
    words = [data.rstrip(b"\0") for name, kind, data in notes if (name, kind) == ("Xen", GUEST_OS)]
    assert words == [b"GRUB"]


def test_its_memdisk_holds_our_configs_and_modules(
    image: Path, checkout: Path, tmp_path: Path
) -> None:
    data = image.read_bytes()
    start = data.index(b"grub.cfg" + bytes(92))  # the name field of a tar header
    arch = next(arch for arch in ARCHES if arch in image.name)
    modules = debs.unpacked("grub-xen-bin") / f"usr/lib/grub/{arch}-xen"
    ours = checkout / "container/pvgrub"
    run([ours / "guest/build", arch, tmp_path / "guest.mod"])
    wanted = [ours / name for name in CONFIGS] + [modules / "linux.mod", tmp_path / "guest.mod"]
    with tarfile.open(fileobj=io.BytesIO(data[start:])) as archive:
        for path in wanted:
            member = archive.next()
            assert member is not None
            assert (member.name, member.mtime, member.uid) == (path.name, 0, 0)
            content = archive.extractfile(member)
            assert content is not None
            assert content.read() == path.read_bytes()


def test_its_early_config_starts_the_memdisks(image: Path) -> None:
    # The rescue parser runs it: one simple command, no scripting.
    early = (PVGRUB / "early.cfg").read_bytes()
    assert early == b"normal (memdisk)/grub.cfg\n"
    assert early in image.read_bytes()


def test_grub_understands_the_configs(tmp_path: Path) -> None:
    # Together: one of functions alone "will do nothing", which the program holds for an error.
    together = tmp_path / "all.cfg"
    together.write_bytes(b"\n".join((PVGRUB / name).read_bytes() for name in CONFIGS))
    run(["grub-script-check", together])


def test_modules_are_sorted_and_there_for_both_widths() -> None:
    names = (PVGRUB / "modules").read_text().split()
    assert names == sorted(set(names))
    for arch in ARCHES:
        folder = debs.unpacked("grub-xen-bin") / f"usr/lib/grub/{arch}-xen"
        assert [name for name in names if not (folder / f"{name}.mod").is_file()] == []
