"""What is inside the appliance, read from the tarball: small, complete, without surprises."""

import io
import os
import re
from pathlib import PurePosixPath

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from tests.appliance.conftest import Dist
from tests.appliance.contents import DOCUMENTS, LIBRARIES, layers
from tests.support.debs import ROOT

pytestmark = pytest.mark.appliance


def test_small_enough(dist: Dist) -> None:
    assert dist.archive.stat().st_size <= 20_000_000


def test_no_shell_no_package_manager_no_set_id(dist: Dist) -> None:
    names = {PurePosixPath(name).name for name in layers(dist)}
    assert not names & {"sh", "bash", "dash", "busybox", "apt", "dpkg", "pip"}
    programs = [
        name
        for name, (entry, _) in layers(dist).items()
        if entry.isreg() and entry.mode & 0o111 and "/bin/" in name
    ]
    assert programs == ["usr/bin/python3.11"]
    assert not [name for name, (entry, _) in layers(dist).items() if entry.mode & 0o7000]


def test_everyone_may_read_and_only_root_may_write(dist: Dist) -> None:
    for name, (entry, _) in layers(dist).items():
        assert (entry.uid, entry.gid) == (0, 0), name
        if not entry.issym():
            assert entry.mode & 0o444 == 0o444, name
            assert not entry.mode & 0o022, name


def test_layers_only_add(dist: Dist) -> None:
    """The launcher unpacks layers with tar alone, which knows no whiteouts."""
    assert not [name for name in layers(dist) if PurePosixPath(name).name.startswith(".wh.")]


def test_nothing_of_the_build_machine(dist: Dist) -> None:
    home = os.fsencode(os.getcwd())  # noqa: PTH109 - bytes wanted
    assert not [name for name, (_, data) in layers(dist).items() if home in data]


def test_every_library_finds_its_libraries(dist: Dist) -> None:
    files = layers(dist)
    there = {PurePosixPath(name).name for name in files}
    programs = {name: data for name, (_, data) in files.items() if data.startswith(b"\x7fELF")}
    checked = 0
    for name, data in programs.items():
        dynamic = ELFFile(io.BytesIO(data)).get_section_by_name(".dynamic")
        if "/assets/" in name or not isinstance(dynamic, DynamicSection):
            continue
        needed = {getattr(tag, "needed", None) for tag in dynamic.iter_tags()}
        assert needed <= {None, *there}, name
        checked += 1
    assert checked > 30


def test_byte_code_is_compiled_and_never_checked(dist: Dist) -> None:
    """Flags of PEP 552: hash-based, unchecked."""
    files = layers(dist)
    compiled = {name: data for name, (_, data) in files.items() if name.endswith(".pyc")}
    assert all(data[4:8] == b"\x01\0\0\0" for data in compiled.values())
    for name in files:
        path = PurePosixPath(name)
        if path.suffix == ".py":
            assert str(path.parent / "__pycache__" / f"{path.stem}.cpython-311.pyc") in compiled


def test_all_of_the_package(dist: Dist) -> None:
    """Code and the data beside it, as the checkout has them."""
    package = ROOT / "shimtool"
    for path in package.rglob("*"):
        if path.suffix in (".json", ".md", ".py", ".yaml") and "assets" not in path.parts:
            name = f"{LIBRARIES}/{path.relative_to(ROOT)}"
            assert layers(dist)[name][1] == path.read_bytes(), name


def test_licences_of_everything(dist: Dist) -> None:
    files = layers(dist)
    packages = files[f"{DOCUMENTS}/shimtool/packages.txt"][1].decode().splitlines()
    for package in (line.split()[0] for line in packages):
        folder = f"{DOCUMENTS}/{package}"
        if folder in files and files[folder][0].issym():
            folder = f"{DOCUMENTS}/{files[folder][0].linkname}"
        text = f"{folder}/copyright"
        assert text in files, package
        for name in re.findall(r"usr/share/common-licenses/[A-Za-z]+-[0-9.]*[0-9]", package):
            assert name in files
    for name in files:
        if re.match(rf"{LIBRARIES}/[^/]*\.dist-info$", name):
            below = {path.removeprefix(f"{name}/").split("/")[0] for path in files}
            assert below & {"licenses", "LICENSE", "COPYING"}, name
