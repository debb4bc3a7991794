"""The pre-stage among the assets: what mboot.c32 will find in it, and the same bytes anywhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from elftools.elf.elffile import ELFFile

from tests.assets.conftest import GROUP, ROOT
from tests.support.programs import run

pytestmark = GROUP

MULTIBOOT = bytes.fromhex("02b0ad1b 03000000 fb4f52e4")
SHIM_ROOM = (0x200000, 0x1200000)


def test_it_is_a_small_multiboot_program(assets: Path) -> None:
    program = assets / "boot/prestage"
    data = program.read_bytes()
    assert len(data) < 12288
    assert data.index(MULTIBOOT) % 4 == 0
    assert program.stat().st_mode & 0o777 == 0o644
    with program.open("rb") as file:
        elf = ELFFile(file)
        assert (elf.elfclass, elf["e_machine"], elf["e_type"]) == (32, "EM_386", "ET_EXEC")
        spans = [(s["p_paddr"], s["p_paddr"] + s["p_memsz"]) for s in elf.iter_segments()]
        *own, room = spans
        assert room == SHIM_ROOM
        assert all(0x100000 <= start < end <= room[0] for start, end in own)
        assert own[0][0] <= elf["e_entry"] < own[0][1]


def test_two_folders_give_the_same_bytes(assets: Path, tmp_path: Path) -> None:
    for name in ("a", "a folder, elsewhere"):
        shutil.copytree(ROOT / "container/prestage", tmp_path / name)
        run([tmp_path / name / "build", tmp_path / name / "out"])
        assert (tmp_path / name / "out").read_bytes() == (assets / "boot/prestage").read_bytes()


def test_a_changed_source_makes_the_assets_anew(
    assets: Path, checkout: Path, tmp_path: Path
) -> None:
    """Seen without a build: it would begin with downloads, which cannot work here."""
    top, folder = tmp_path / "checkout", tmp_path / "assets"
    shutil.copytree(checkout, top)
    shutil.copytree(assets, folder)
    (tmp_path / "apt.conf").write_text('Dir::State::lists "/nonexistent";\n')
    environment = os.environ | {"PYTHON": sys.executable, "APT_CONFIG": str(tmp_path / "apt.conf")}
    collect = [top / "container/collect-assets", folder]

    def code() -> int:
        return subprocess.run(collect, env=environment, capture_output=True, check=False).returncode

    assert code() == 0
    with (top / "container/prestage/layout.h").open("a") as header:
        header.write("/* changed */\n")
    assert code() == 1
