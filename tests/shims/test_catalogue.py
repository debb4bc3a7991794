import gzip
import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from shimtool.dom0.detect import parse_version
from shimtool.errors import ShimtoolError
from shimtool.model import Host, Mode, Shim, ShimKind
from shimtool.shims.add import add
from shimtool.shims.catalogue import choose, load, named, verify
from shimtool.shims.kinds import loses_events
from shimtool.shims.known import load_known
from shimtool.shims.probe import xen_version
from tests.support import debs, package_builder

HVM = frozenset({Mode.HVM})
ROOT = Path(__file__).parents[2]
KNOWN = ROOT / "container" / "shims" / "known.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shims").mkdir()
    return tmp_path / "shims"


def faults(folder: Path) -> list[str]:
    with pytest.raises(ShimtoolError) as caught:
        load(folder)
    assert all(fault.where for fault in caught.value.faults)
    return [f"{fault.where}: {fault.message}" for fault in caught.value.faults]


def edit(folder: Path, **changes: object) -> None:
    """Change keys of the first entry of a catalogue, as an admin might."""
    path = folder / "shims.yaml"
    rows = yaml.safe_load(path.read_text())
    rows[0] |= {key.replace("_", "-"): value for key, value in changes.items()}
    path.write_text(yaml.safe_dump(rows))


def test_add_stores_the_binary_and_load_gives_it_back(folder: Path, real_shim: bytes) -> None:
    (added,) = add(folder, debs.deb("xen-utils-4.17"))
    assert added.new
    assert load(folder) == (added.shim,)
    assert added.shim.name == f"{added.shim.version}-debian"
    assert added.shim.file.read_bytes() == real_shim
    assert added.shim.file.stat().st_mode & 0o777 == 0o644
    verify(added.shim)
    names = {path.name for path in folder.iterdir()}
    assert names == {"shims.yaml", added.shim.name}


def test_the_same_content_is_there_once(folder: Path) -> None:
    (first,) = add(folder, debs.deb("xen-utils-4.17"))
    before = (folder / "shims.yaml").read_bytes()
    (second,) = add(folder, debs.xen_shim(), "other-name")
    assert (second.shim, second.new) == (first.shim, False)
    assert (folder / "shims.yaml").read_bytes() == before


def test_a_known_build_is_named_as_it_is_known(folder: Path, real_shim: bytes) -> None:
    row = {"name": "4.10.4-mine", "version": "4.10.4", "kind": "4.10-based"}
    row["sha256"] = hashlib.sha256(real_shim).hexdigest()
    (folder / "known.yaml").write_text(yaml.safe_dump([row]))
    (added,) = add(folder, debs.deb("xen-utils-4.17"))
    assert (added.shim.name, added.shim.version) == ("4.10.4-mine", "4.10.4")
    assert load(folder) == (added.shim,)


def test_the_known_builds_that_are_handed_out_are_sound(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_bytes(KNOWN.read_bytes())
    builds = load_known(tmp_path)
    assert builds
    assert all(build.sha256 or build.build_id for build in builds)
    assert all(build.version == xen_version(build.name) for build in builds)


@pytest.mark.parametrize("module", ["catalogue", "add", "known"])
def test_libraries_for_packages_are_loaded_only_when_needed(module: str) -> None:
    heavy = "{'elftools', 'arpy', 'rpmfile', 'zstandard'}"
    code = f"import sys, shimtool.shims.{module}; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_package_tells_the_version_that_its_binary_does_not(
    folder: Path, real_shim: bytes, tmp_path: Path
) -> None:
    silent = real_shim.replace(b"\x004.17.", b"\0x.xx.")
    package = package_builder.deb(
        tmp_path, {"usr/lib/xen/boot/xen-shim": silent}, "gzip", "4.8.5.final+shim4.10.4-1+deb9u12"
    )
    (added,) = add(folder, package)
    assert (added.shim.version, added.shim.name) == ("4.10.4", "4.10.4-debian")


def test_a_shim_of_unknown_version_is_named_by_its_content(
    folder: Path, real_shim: bytes, tmp_path: Path
) -> None:
    silent = real_shim.replace(b"\x004.17.", b"\0x.xx.")
    (tmp_path / "file").write_bytes(silent)
    (added,) = add(folder, tmp_path / "file")
    assert added.shim.version is None
    assert added.shim.name == "shim-" + hashlib.sha256(silent).hexdigest()[:8]


def test_a_taken_name_is_made_different_or_refused(
    folder: Path, real_shim: bytes, tmp_path: Path
) -> None:
    (first,) = add(folder, debs.xen_shim())
    (tmp_path / "file").write_bytes(real_shim + b"\0")
    with pytest.raises(ShimtoolError, match="another shim is called"):
        add(folder, tmp_path / "file", first.shim.name)
    (second,) = add(folder, tmp_path / "file")
    assert second.shim.name == f"{first.shim.name}-{second.shim.sha256[:8]}"
    assert len(load(folder)) == 2


@pytest.mark.parametrize(
    "name", ["../evil", "a/b", "", "-x", ".hidden", "a b", "x" * 65, "shims.yaml", "known.yaml"]
)
def test_names_that_are_not_safe(name: str, folder: Path) -> None:
    with pytest.raises(ShimtoolError):
        add(folder, debs.xen_shim(), name)
    assert not list(folder.iterdir())


def test_what_is_no_shim_leaves_no_trace(folder: Path, hypervisor: Path) -> None:
    add(folder, debs.xen_shim())
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ShimtoolError, match="ordinary Xen hypervisor"):
        add(folder, hypervisor)
    with pytest.raises(ShimtoolError, match="no xen-shim"):
        add(folder, debs.deb("isolinux"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_error_names_the_package_and_its_member(
    folder: Path, hypervisor: Path, tmp_path: Path
) -> None:
    files = {"boot/xen-shim": hypervisor.read_bytes()}
    package = package_builder.apk(tmp_path / "x.apk", files, "4.10.1-r2")
    with pytest.raises(ShimtoolError) as caught:
        add(folder, package)
    assert str(caught.value.faults[0].where) == f"{package}: boot/xen-shim"


def test_shims_added_at_the_same_time_are_all_recorded(
    folder: Path, real_shim: bytes, tmp_path: Path
) -> None:
    files = [tmp_path / f"shim-{number}" for number in range(4)]
    for number, file in enumerate(files):
        file.write_bytes(real_shim + bytes([number]))
    with ThreadPoolExecutor() as pool:
        added = [one for found in pool.map(lambda file: add(folder, file), files) for one in found]
    assert {shim.name for shim in load(folder)} == {one.shim.name for one in added}
    assert len(added) == 4


def test_a_folder_that_cannot_be_written_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")  # stops root too
    with pytest.raises(ShimtoolError, match="cannot write the shim catalogue") as caught:
        add(tmp_path / "file" / "shims", debs.xen_shim())
    assert "SHIMTOOL_ASSETS" in str(caught.value.faults[0].remedy)


def test_a_vixen_in_a_package_is_found_and_recorded_as_one(
    folder: Path, vixen: Path, tmp_path: Path
) -> None:
    """As CentOS shipped it in 2018: a zipped hypervisor of another name."""
    files = {"usr/lib64/xen/boot/xen-vixen.gz": gzip.compress(vixen.read_bytes())}
    (added,) = add(folder, package_builder.apk(tmp_path / "x.apk", files, "4.9.1-r2"))
    assert (added.shim.kind, added.shim.modes) == (ShimKind.VIXEN, HVM)
    assert added.shim.name == "4.9.1-vixen-alpine"
    assert load(folder) == (added.shim,)


def test_a_vouched_vixen_is_recorded_and_not_taken_for_another_kind_later(
    folder: Path, hypervisor: Path, tmp_path: Path
) -> None:
    (added,) = add(folder, hypervisor, kind=ShimKind.VIXEN)
    assert load(folder) == (added.shim,)
    assert added.shim.kind is ShimKind.VIXEN
    (again,) = add(folder, hypervisor, kind=ShimKind.VIXEN)
    assert not again.new
    with pytest.raises(ShimtoolError, match="ordinary Xen hypervisor"):
        add(folder, hypervisor)


def test_an_admin_tells_the_version_that_nothing_else_tells(
    folder: Path, real_shim: bytes, tmp_path: Path
) -> None:
    silent = tmp_path / "xen-shim"
    silent.write_bytes(real_shim.replace(b"\x004.17.", b"\0x.xx."))
    with pytest.raises(ShimtoolError, match=r"the name says Xen 4\.10\.4, .* not known") as no:
        add(folder, silent, "4.10.4")
    assert no.value.faults[0].remedy == "say so: --version 4.10.4"
    assert load(folder) == ()
    (added,) = add(folder, silent, "4.10.4", version="4.10.4")
    assert (added.shim.name, added.shim.version, added.new) == ("4.10.4", "4.10.4", True)
    assert load(folder) == (added.shim,)
    (again,) = add(folder, silent)
    assert (again.shim, again.new, again.told) == (added.shim, False, False)
    with pytest.raises(ShimtoolError, match=r"a shim of Xen 4\.10\.4, not 4\.11"):
        add(folder, silent, version="4.11")


def test_a_shim_that_is_there_gets_its_version_later(
    folder: Path, real_shim: bytes, tmp_path: Path
) -> None:
    silent = tmp_path / "xen-shim"
    silent.write_bytes(real_shim.replace(b"\x004.17.", b"\0x.xx."))
    add(folder, debs.xen_shim())
    (first,) = add(folder, silent)
    (second,) = add(folder, silent, version="4.10")
    assert (second.new, second.told) == (False, True)
    assert second.shim == replace(first.shim, version="4.10")
    assert second.shim in load(folder)
    assert len(load(folder)) == 2


def test_nobody_says_another_version_than_the_shim_itself(folder: Path) -> None:
    with pytest.raises(ShimtoolError, match=r"a shim of Xen 4\.17\.\d+, not 4\.10\.4"):
        add(folder, debs.xen_shim(), version="4.10.4")
    with pytest.raises(ShimtoolError, match=r"the name says Xen 4\.10, .* is 4\.17\."):
        add(folder, debs.xen_shim(), "4.10-mine")
    for wrong in ("", "4", "4.1", "4.8.5", "5.0", "4.100", "4.17.7 ", "4.17.7-debian", "v4.17"):
        with pytest.raises(ShimtoolError, match="not a version of Xen that has shims"):
            add(folder, debs.xen_shim(), version=wrong)
    (added,) = add(folder, debs.xen_shim(), "4.17-mine", version="4.17")
    assert added.shim.version is not None
    assert added.shim.version.startswith("4.17.")


def test_a_catalogue_of_before_kinds_says_what_is_missing(folder: Path) -> None:
    add(folder, debs.xen_shim())
    path = folder / "shims.yaml"
    path.write_text(path.read_text().replace('"kind": "pvshim", ', ""))
    with pytest.raises(ShimtoolError, match="missing key 'kind'") as caught:
        load(folder)
    assert "pvshim, vixen" in str(caught.value.faults[0].remedy)


def test_without_catalogue_there_are_no_shims(folder: Path) -> None:
    assert load(folder) == ()
    (folder / "shims.yaml").write_text("# empty\n")
    assert load(folder) == ()


def test_all_faults_of_a_catalogue_at_once_with_lines(folder: Path) -> None:
    add(folder, debs.xen_shim())
    edit(folder, version=4.10, modes=["pv"], sha256="00", file="../../etc/passwd", color="red")
    with (folder / "shims.yaml").open("a") as file:
        file.write("- just words\n- name: x\n")
    found = faults(folder)
    for words in (
        "version: must be a text; put numbers in quotes",
        "modes: must be one of: hvm, pvh",
        "sha256: must be 64",
        "file: must begin",
        "unknown key 'color'",
        "each entry must be a mapping",
        "missing key 'origin'",
    ):
        assert any(words in line for line in found), words
    assert any("shims.yaml:1: version" in line for line in found)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: b\n", "must be a YAML list"),
        (b"- [\n", "not sound YAML"),
        (b"\xff\xfe\x00", "not sound YAML"),
        (b"- !!python/object/apply:os.system [id]\n", "not sound YAML"),
        (b"[" * 5000, "not sound YAML"),
        (b"- 2001-99-99\n", "not sound YAML"),
        (b"#" * ((1 << 20) + 1), "larger than 1 MiB"),
    ],
)
def test_files_that_are_no_catalogue(content: bytes, reason: str, folder: Path) -> None:
    (folder / "shims.yaml").write_bytes(content)
    assert reason in faults(folder)[0]


def test_entries_may_not_clash(folder: Path) -> None:
    add(folder, debs.xen_shim())
    edit(folder, default=True)
    text = (folder / "shims.yaml").read_text()
    (folder / "shims.yaml").write_text(text + text)
    found = faults(folder)
    for words in ("same name", "same file", "same sha256", "more than one entry is the default"):
        assert any(words in line for line in found), words


def test_a_missing_or_shortened_binary_is_seen_at_once(folder: Path, real_shim: bytes) -> None:
    (added,) = add(folder, debs.xen_shim())
    added.shim.file.write_bytes(real_shim[:-1])
    assert "another size" in faults(folder)[0]
    added.shim.file.unlink()
    assert "No such file" in faults(folder)[0]


def test_verify_sees_one_changed_byte(folder: Path, real_shim: bytes) -> None:
    (added,) = add(folder, debs.xen_shim())
    added.shim.file.write_bytes(real_shim[:-1] + b"\x55")
    load(folder)
    with pytest.raises(ShimtoolError, match="not the file that was recorded"):
        verify(added.shim)


BOTH = frozenset(Mode)


def shim(name: str, version: str | None, modes: frozenset[Mode] = BOTH) -> Shim:
    return Shim(name, Path("/x") / name, 1, "0" * 64, None, version, modes, "test")


NEW, OLD = shim("new", "4.17.7"), shim("old", "4.9.1")
TEN, TEN_FOUR = shim("ten", "4.10.1"), shim("ten-four", "4.10.10")


@pytest.mark.parametrize(
    ("shims", "mode", "name"),
    [
        ((NEW, OLD, shim("blank", None)), Mode.HVM, "new"),
        ((NEW, TEN, OLD), Mode.HVM, "ten"),
        ((TEN_FOUR, TEN, NEW), Mode.PVH, "ten-four"),
        ((TEN, replace(OLD, default=True), NEW), Mode.HVM, "old"),
        ((replace(TEN, modes=frozenset({Mode.HVM})), NEW), Mode.PVH, "new"),
        ((replace(TEN, default=True, modes=frozenset({Mode.HVM})), NEW), Mode.PVH, "new"),
    ],
)
def test_the_default_shim(shims: tuple[Shim, ...], mode: Mode, name: str) -> None:
    assert choose(shims, None, mode).name == name


VIXEN = replace(OLD, name="vix", modes=frozenset({Mode.HVM}), kind=ShimKind.VIXEN)


@pytest.mark.parametrize(
    ("xen", "mode", "name"),
    [
        ("4.6.6", Mode.HVM, "ten"), ("4.8.2", Mode.HVM, "ten"), ("4.10.0", Mode.HVM, "ten"),
        ("4.7.5", Mode.HVM, "ten"), ("4.8.3", Mode.HVM, "ten"), ("4.9", Mode.HVM, "ten"),
        ("4.10.0", Mode.PVH, "ten"), ("4.17", Mode.PVH, "ten"),
    ],
)  # fmt: skip
def test_a_shim_that_fails_on_the_host_is_no_default(xen: str, mode: Mode, name: str) -> None:
    host = Host(parse_version(xen))
    assert choose((NEW, TEN, VIXEN), None, mode, host).name == name
    assert choose((replace(NEW, default=True), TEN, VIXEN), None, mode, host).name == "new"
    lost = replace(NEW, name="lost", version="4.99.0", default=True)
    hangs = mode is Mode.HVM and loses_events(lost, host, mode)
    assert choose((lost, VIXEN), None, mode, host).name == ("vix" if hangs else "lost")
    assert choose((NEW, TEN, VIXEN), "new", mode, host).name == "new"
    assert choose((NEW,), None, mode, host).name == "new"  # refused later, with the reason


def test_a_path_is_looked_up_among_the_known_builds(folder: Path, hypervisor: Path) -> None:
    row = {"name": "4.9.1-vixen", "version": "4.9.1", "kind": "vixen"}
    row["sha256"] = hashlib.sha256(hypervisor.read_bytes()).hexdigest()
    (folder / "known.yaml").write_text(yaml.safe_dump([row]))
    found = choose((), str(hypervisor), Mode.HVM, Host(), folder)
    assert (found.name, found.kind) == ("4.9.1-vixen", ShimKind.VIXEN)


def test_the_wanted_shim_must_exist_and_serve_the_mode() -> None:
    shims = (NEW, replace(TEN, modes=frozenset({Mode.HVM})))
    assert choose(shims, "new", Mode.HVM) == NEW
    with pytest.raises(ShimtoolError, match="no shim is called 'nope'") as caught:
        named(shims, "nope")
    assert caught.value.faults[0].seen == "at hand: new, ten"
    with pytest.raises(ShimtoolError, match="does not boot under PVH"):
        choose(shims, "ten", Mode.PVH)
    with pytest.raises(ShimtoolError, match="no shim at hand boots under HVM"):
        choose((), None, Mode.HVM)


def test_a_path_names_a_shim_too(hypervisor: Path) -> None:
    found = choose((), str(debs.xen_shim()), Mode.PVH)
    assert found.file == debs.xen_shim()
    verify(found)
    with pytest.raises(ShimtoolError, match="ordinary Xen hypervisor"):
        choose((), str(hypervisor), Mode.HVM)
