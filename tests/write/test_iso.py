"""The ISO writer alone: layout, bytes, and files that change under it."""

import io
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shimtool.errors import ShimtoolError
from shimtool.files import stamp_of
from shimtool.model import SourceFile
from shimtool.verify import verify_iso
from shimtool.write.content import IsoFile
from shimtool.write.iso import PADDING, SECTOR, write_iso
from tests.cli.test_convert import extract


def source(path: Path, size: int) -> SourceFile:
    path.write_bytes(os.urandom(size))
    return SourceFile(str(path), path, size, "-", stamp_of(path.stat()))


def files(tmp_path: Path, *sizes: int) -> list[IsoFile]:
    boot = IsoFile("isolinux.bin", bytes(range(256)) * 8)
    payload = [
        IsoFile(f"file{number}", b"head" * number, source(tmp_path / str(number), size))
        for number, size in enumerate(sizes)
    ]
    return [boot, *payload]


@pytest.mark.parametrize("size", [1, 2047, 2048, 2049, 99_999])
def test_sizes_around_sectors_arrive_whole(tmp_path: Path, size: int) -> None:
    content = files(tmp_path, 5000, size)
    iso = tmp_path / "out" / "x.iso"
    iso.parent.mkdir()
    with iso.open("w+b") as out:
        write_iso(content, out)
    for file in content[1:]:
        assert file.source
        assert extract(iso, file.name) == file.head + file.source.path.read_bytes()
    assert iso.stat().st_size % SECTOR == 0
    assert iso.read_bytes().endswith(bytes(PADDING))


def test_a_source_that_changed_since_is_refused(tmp_path: Path) -> None:
    content = files(tmp_path, 5000)
    (tmp_path / "0").write_bytes(b"shorter")
    with (tmp_path / "x.iso").open("w+b") as out, pytest.raises(ShimtoolError, match="changed"):
        write_iso(content, out)


def test_another_program_reads_the_same_layout(tmp_path: Path) -> None:
    with (tmp_path / "x.iso").open("w+b") as out:
        write_iso(files(tmp_path, 3000, 4000), out)
    listing = subprocess.run(
        ["xorriso", "-indev", tmp_path / "x.iso", "-find", "/", "-exec", "report_lba"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "'/file0'" in listing
    assert "'/isolinux.bin'" in listing


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("whole")
    out = io.BytesIO()
    with (folder / "x.iso").open("w+b") as file:
        write_iso(files(folder, 100), file)
        file.seek(0)
        out.write(file.read())
    return out.getvalue()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_iso_is_an_error_of_ours(
    data: st.DataObject, whole: bytes, tmp_path: Path
) -> None:
    """Bytes flipped in descriptors, folders and boot catalog: never another exception."""
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(1, 8))):
        if len(damaged) > 16 * SECTOR:
            place = data.draw(st.integers(16 * SECTOR, min(len(damaged), 40 * SECTOR) - 1))
            damaged[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "x.iso"
    path.write_bytes(damaged)
    with pytest.raises(ShimtoolError):
        verify_iso(path)
