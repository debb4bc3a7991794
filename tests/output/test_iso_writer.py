"""The ISO writer alone: layout, bytes, and files that change under it."""

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shimtool.commands.verify_iso import Wanted, verify_iso
from shimtool.errors import ShimtoolError
from shimtool.output import iso_writer
from shimtool.output.iso_content import MANIFEST_FILE, IsoFile
from shimtool.output.iso_layout import PADDING, SECTOR, lay_out
from shimtool.output.iso_reader import Iso
from shimtool.output.iso_writer import write_iso
from shimtool.output.loader_config import SHIM_FILE
from shimtool.output.shared_blocks import SharedBlocks
from tests.conftest import EXAMPLES
from tests.output.support import Made, make, place_of, source
from tests.support.outputs import extract
from tests.support.programs import run

FIXTURES = [HealthCheck.function_scoped_fixture]  # a folder, whose one file each example replaces


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
        write_iso(content, out, SharedBlocks())
    for file in content[1:]:
        assert file.source
        assert extract(iso, file.name) == file.prefix + file.source.path.read_bytes()
    assert iso.stat().st_size % SECTOR == 0
    assert iso.stat().st_size == lay_out(content).size
    assert iso.read_bytes().endswith(bytes(PADDING))


def test_a_file_near_4_gib_has_two_extents_in_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of ISO 9660 is shorter; the 4 GiB themselves need not be copied to see it."""
    monkeypatch.setattr(iso_writer, "copy_whole", lambda *_: None)
    large = replace(source(tmp_path / "large", 1), size=(4 << 30) - 1)
    files = [IsoFile("isolinux.bin", bytes(2048)), IsoFile("large", bytes(4096), large)]
    with (tmp_path / "x.iso").open("w+b") as out:
        layout = write_iso(files, out, SharedBlocks())
    iso = str(tmp_path / "x.iso")
    told = run(["xorriso", "-indev", iso, "-find", "/large", "-exec", "report_lba"])
    extents = re.findall(r"^File data lba: +\d+ , +(\d+) , +(\d+)", told, re.MULTILINE)
    (first, sectors), (second, _rest) = [map(int, each) for each in extents]
    assert first * SECTOR == layout.places["large"]
    assert second == first + sectors


def test_a_source_that_changed_since_is_refused(tmp_path: Path) -> None:
    content = files(tmp_path, 5000)
    (tmp_path / "0").write_bytes(b"shorter")
    with (tmp_path / "x.iso").open("w+b") as out, pytest.raises(ShimtoolError, match="changed"):
        write_iso(content, out, SharedBlocks())


def test_another_program_reads_the_same_layout(tmp_path: Path) -> None:
    with (tmp_path / "x.iso").open("w+b") as out:
        write_iso(files(tmp_path, 3000, 4000), out, SharedBlocks())
    listing = subprocess.run(
        ["xorriso", "-indev", tmp_path / "x.iso", "-find", "/", "-exec", "report_lba"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "'/file0'" in listing
    assert "'/isolinux.bin'" in listing


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("made"))


def sound(tmp_path: Path, data: bytes | bytearray) -> bool:
    """Whether verify is content; it may be else only by a ShimtoolError."""
    path = tmp_path / "damaged.iso"
    path.write_bytes(data)
    try:
        verify_iso(path)
    except ShimtoolError as error:
        assert all(each.message and each.where for each in error.faults)
        return False
    return True


def test_the_undamaged_one_is_sound(tmp_path: Path, made: Made) -> None:
    assert sound(tmp_path, made.data)


def test_a_file_that_is_not_listed_is_found(tmp_path: Path) -> None:
    make(tmp_path, IsoFile("syslinux.cfg", b"another config"))
    with pytest.raises(ShimtoolError, match="files that it does not list"):
        verify_iso(tmp_path / "x.iso")


def test_another_guests_is_found(tmp_path: Path) -> None:
    make(tmp_path)
    verify_iso(tmp_path / "x.iso", Wanted("web01"))
    with pytest.raises(ShimtoolError, match="not the boot ISO of web02"):
        verify_iso(tmp_path / "x.iso", Wanted("web02"))


@settings(deadline=None, max_examples=EXAMPLES // 20, suppress_health_check=FIXTURES)
@given(data=st.data())
def test_one_changed_byte_of_a_file_is_found(
    data: st.DataObject, made: Made, tmp_path: Path
) -> None:
    name = data.draw(st.sampled_from(sorted(set(made.places) - {"boot.cat", MANIFEST_FILE})))
    place = data.draw(st.sampled_from(made.places[name]))
    damaged = bytearray(made.data)
    damaged[place] ^= data.draw(st.integers(1, 255))
    assert not sound(tmp_path, damaged)


@settings(deadline=None, max_examples=EXAMPLES // 20, suppress_health_check=FIXTURES)
@given(data=st.data())
def test_damaged_descriptors_folders_and_catalog(
    data: st.DataObject, made: Made, tmp_path: Path
) -> None:
    """Where a loader looks a damage is found; elsewhere (texts, dates) it may stay unseen."""
    damaged = bytearray(made.data)
    end = min(place.start for name, place in made.places.items() if name != "boot.cat")
    flips = st.tuples(st.integers(16 * SECTOR, end - 1), st.integers(1, 255))
    changed = data.draw(st.lists(flips, min_size=1, max_size=8))
    for place, bits in changed:
        damaged[place] ^= bits
    if sound(tmp_path, damaged):
        with Iso(tmp_path / "damaged.iso") as iso:
            for name in set(made.places) - {"boot.cat"}:
                assert place_of(iso, name) == made.places[name]
            iso.boot_record()


@settings(deadline=None, max_examples=100, suppress_health_check=FIXTURES)
@given(length=st.integers(0, 1 << 20))
def test_a_cut_off_iso_is_damaged(length: int, made: Made, tmp_path: Path) -> None:
    assert not sound(tmp_path, made.data[: min(length, len(made.data) - 1)])


@settings(deadline=None, max_examples=EXAMPLES // 20, suppress_health_check=FIXTURES)
@given(data=st.data())
def test_changed_bytes_of_the_description_are_no_traceback(
    data: st.DataObject, made: Made, tmp_path: Path
) -> None:
    """What stays unseen is what only informs: versions, names and paths of the inputs, guest."""
    place = made.places[MANIFEST_FILE]
    text = bytearray(made.data[place.start : place.stop])
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    if sound(tmp_path, made.described(text)):
        after, before = json.loads(text), made.description
        assert [after[key] for key in CHECKED[1:]] == [before[key] for key in CHECKED[1:]]
        facts = [{**each["files"][SHIM_FILE], "path": ""} for each in (after, before)]
        assert facts[0] == facts[1]


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 1, 1 << 70, 0.5, float("inf"), "", "\udcff", "\ud800", "a\nb", [], {}, [1]]
)
CHECKED = ("guest", "shim_args", "command_line")


@settings(deadline=None, max_examples=EXAMPLES // 20, suppress_health_check=FIXTURES)
@given(data=st.data())
def test_an_odd_value_in_the_description_is_damage(
    data: st.DataObject, made: Made, tmp_path: Path
) -> None:
    """Any value replaced by another type or size is found, where it is one that verify reads."""
    document = made.description
    spots = [(document, key) for key in (*CHECKED, "files", "pre_stage")]
    spots += [(document["pre_stage"], key) for key in document["pre_stage"]]
    spots += [(document["files"], name) for name in document["files"]]
    spots += [(each, key) for each in document["files"].values() for key in each if key != "path"]
    holder, key = data.draw(st.sampled_from(spots))
    before = holder[key]
    holder[key] = data.draw(ODD.filter(lambda odd: type(odd) is not type(before) or odd != before))
    text = json.dumps(document).encode()
    unseen = key == "guest" and isinstance(holder[key], str) and _is_one_line(holder[key])
    assert sound(tmp_path, made.described(text)) is unseen


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "-1", "1e999"])
def test_numbers_beyond_reason(tmp_path: Path, made: Made, number: str) -> None:
    text = json.dumps(made.description).replace('"skip": 4096', f'"skip": {number}').encode()
    assert number.encode() in text
    assert not sound(tmp_path, made.described(text))


@pytest.mark.parametrize("name", ["ramdisk", "xen-shim", "kernel", "isolinux.cfg"])
def test_every_file_must_be_listed(tmp_path: Path, made: Made, name: str) -> None:
    document = made.description
    del document["files"][name]
    assert not sound(tmp_path, made.described(json.dumps(document).encode()))


def _is_one_line(text: str) -> bool:
    return "\n" not in text and "\ud800" not in text
