import hashlib
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from shimtool.assets import VARIABLE, find_assets, shims_folder
from shimtool.errors import ShimtoolError
from shimtool.model import Mode
from shimtool.output.iso_content import MODULES
from shimtool.shims.catalogue import choose, load, verify
from tests.assets.conftest import GROUP, Collect
from tests.support import debs
from tests.support.programs import run

pytestmark = GROUP


def content(folder: Path) -> dict[str, str]:
    """Every file's hash; the stamp tells when apt was last updated, so it may differ."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".stamp"
    }


@pytest.fixture
def copy(assets: Path, tmp_path: Path) -> Iterator[Path]:
    shutil.copytree(assets, tmp_path / "copy")
    yield tmp_path / "copy"


def test_all_pieces_are_there(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(assets))
    found = find_assets()
    assert found.root == assets
    assert all(piece.stat().st_size for piece in found.pieces())
    assert shims_folder() == assets / "shims"


def test_the_boot_parts_are_debians(assets: Path) -> None:
    isolinux = debs.unpacked("isolinux") / "usr/lib/ISOLINUX/isolinux.bin"
    modules = debs.unpacked("syslinux-common") / "usr/lib/syslinux/modules/bios"
    assert (assets / "boot/isolinux.bin").read_bytes() == isolinux.read_bytes()
    for name in MODULES:
        assert (assets / "boot" / name).read_bytes() == (modules / name).read_bytes()


def test_debians_shim_is_in_the_catalogue(assets: Path) -> None:
    (shim,) = load(assets / "shims")
    verify(shim)
    assert shim.file.read_bytes() == debs.xen_shim().read_bytes()
    assert choose([shim], None, Mode.HVM) == choose([shim], None, Mode.PVH) == shim


def test_the_device_model_script_is_ours_and_executable(assets: Path, checkout: Path) -> None:
    script = assets / "device-model" / "shimtool-dm"
    assert script.read_bytes() == (checkout / "container/device-model/shimtool-dm").read_bytes()
    assert script.stat().st_mode & 0o777 == 0o755


def test_every_package_has_its_licence_and_version(assets: Path) -> None:
    lines = [line.split() for line in (assets / "packages.txt").read_text().splitlines()]
    names = {name for name, *_ in lines}
    assert names == {
        "isolinux", "syslinux-common", "grub-xen-bin", "grub-common", "xen-utils-4.17"
    }  # fmt: skip
    shown = debs.apt("apt-cache", "show", *(f"{name}={version}" for name, version, *_ in lines))
    records = shown.strip().split("\n\n")
    for (name, version, source, _, digest), record in zip(lines, records, strict=True):
        assert {f"Package: {name}", f"Version: {version}"} < set(record.splitlines())
        assert f"SHA256: {digest}" in record.splitlines()
        assert source in {name, *re.findall(r"^Source: (\S+)", record, re.M)}
        assert "GPL" in (assets / "licences" / name / "copyright").read_text()
    assert "Version 2" in (assets / "licences/common/GPL-2").read_text()


def test_an_up_to_date_folder_is_left_alone(copy: Path, collect: Collect) -> None:
    before = {path: path.stat().st_ino for path in copy.rglob("*")}
    done = collect(copy)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path: path.stat().st_ino for path in copy.rglob("*")} == before


def test_shims_added_later_do_not_make_it_stale(copy: Path, collect: Collect) -> None:
    (copy / "shims" / "mine").write_bytes(b"x")
    (copy / "shims" / "shims.yaml").write_text("[]\n")
    assert collect(copy).returncode == 0
    assert (copy / "shims" / "mine").exists()


def test_a_damaged_piece_is_made_again(copy: Path, assets: Path, collect: Collect) -> None:
    """A second build, elsewhere: it gives the same bytes."""
    (copy / "boot/mboot.c32").write_bytes(b"damaged")
    (copy / "shims" / "mine").write_bytes(b"x")
    done = collect(copy)
    assert done.returncode == 0, done.stderr
    assert content(copy) == content(assets)
    assert "dropped" in done.stderr
    assert "shims/mine" in done.stderr
    assert {path.name for path in copy.parent.iterdir()} == {"copy", "copy.lock"}


def test_given_shims_take_the_place_of_debians_until_that_is_asked_for(
    tmp_path: Path, collect: Collect
) -> None:
    """As `make assets SHIM=FILE` and a plain `make demo` later, the download long gone."""
    dest, shim = tmp_path / "dest", debs.xen_shim().read_bytes()
    given = [tmp_path / folder / "my shim" for folder in ("a", "b")]  # a name with a blank
    for number, path in enumerate(given):
        path.parent.mkdir()
        path.write_bytes(shim + bytes(number + 1))
    done = collect(dest, *given)
    assert done.returncode == 0, done.stderr
    before = load(dest / "shims")
    assert [each.file.read_bytes() for each in before] == [path.read_bytes() for path in given]
    assert "xen-utils" not in (dest / "packages.txt").read_text()
    for path in given:
        path.unlink()
    (dest / "boot/mboot.c32").write_bytes(b"damaged")
    done = collect(dest)
    assert (done.returncode, "dropped" in done.stderr) == (0, False), done.stderr
    assert load(dest / "shims") == before
    assert (collect(dest).stderr, load(dest / "shims")) == ("", before)

    done = collect(dest, "debian")
    assert done.returncode == 0, done.stderr
    for words in ((), ("debian",)):
        assert collect(dest, *words).stderr == ""
        (debians,) = load(dest / "shims")
        assert debians.file.read_bytes() == shim
    assert {path.name for path in tmp_path.iterdir()} == {"dest", "dest.lock", "a", "b"}


def test_a_refused_shim_leaves_the_old_folder(copy: Path, collect: Collect) -> None:
    before = content(copy)
    done = collect(copy, debs.kernel())
    assert done.returncode == 1
    assert "not a bare ELF file" in done.stderr or "neither an ELF file" in done.stderr
    assert content(copy) == before
    assert {path.name for path in copy.parent.iterdir()} == {"copy", "copy.lock"}


def test_everything_missing_is_named_at_once(tmp_path: Path, collect: Collect) -> None:
    # A machine without Debian's package tools: only these programs are on its PATH.
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "cat", "install", "sort"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    done = collect(tmp_path / "dest", tmp_path / "absent.deb", PATH=str(tools))
    assert done.returncode == 1
    for words in ("program apt-get", "program dpkg-deb", "Debian package dpkg", "absent.deb"):
        assert words in done.stderr
    assert "isolinux syslinux-common" in done.stderr
    assert "Debian 12" in done.stderr
    assert not (tmp_path / "dest").exists()


def test_failed_downloads_say_what_to_do(tmp_path: Path, collect: Collect) -> None:
    (tmp_path / "apt.conf").write_text('Dir::State::lists "/nonexistent";\n')
    shim = debs.xen_shim()
    done = collect(tmp_path / "dest", shim, APT_CONFIG=str(tmp_path / "apt.conf"))
    assert done.returncode == 1
    assert "run apt-get update" in done.stderr
    assert not (tmp_path / "dest").exists()


def test_missing_pieces_are_one_error(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(copy))
    gone = ["boot/mboot.c32", "pvgrub/grub-x86_64-xen.bin", "device-model/shimtool-dm"]
    for name in gone:
        (copy / name).unlink()
    with pytest.raises(ShimtoolError) as caught:
        find_assets()
    assert [str(fault.where) for fault in caught.value.faults] == [
        str(copy / name) for name in gone
    ]
    assert all("make assets" in str(fault.remedy) for fault in caught.value.faults)


def test_a_wrong_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(ShimtoolError) as caught:
        find_assets()
    (fault,) = caught.value.faults
    assert str(fault.where) == str(tmp_path / "absent")
    assert VARIABLE in str(fault.remedy)


def test_shellcheck_is_content(checkout: Path) -> None:
    run(["shellcheck", checkout / "container/collect-assets"])
