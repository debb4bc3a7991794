"""dom0's paths found here: rules, links as dom0 follows them, and every refusal."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from shimtool.dom0.paths import SearchPaths, find
from shimtool.errors import Fault, ShimtoolError
from shimtool.model import ConfigString

CONFIG = Path("/etc/xen/guest.cfg")


def put(path: Path, content: str = "kernel") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def link(path: Path, target: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)
    return path


def got(roots: SearchPaths, path: str) -> Path:
    found = find(roots, ConfigString(path, 7), CONFIG)
    assert found.dom0_path == path
    return found.path


def refused(roots: SearchPaths, path: str) -> Fault:
    with pytest.raises(ShimtoolError) as caught:
        find(roots, ConfigString(path, 7), CONFIG, "ramdisk")
    fault = caught.value.faults[0]
    assert str(fault.where) == "/etc/xen/guest.cfg:7"
    assert fault.remedy
    return fault


def test_the_path_itself(tmp_path: Path) -> None:
    kernel = put(tmp_path / "boot/vmlinuz")
    assert got(SearchPaths(), str(kernel)) == kernel


def test_a_map_and_the_longest_prefix_of_several(tmp_path: Path) -> None:
    put(tmp_path / "a/guests/k", "outer")
    inner = put(tmp_path / "b/k", "inner")
    roots = SearchPaths((("/nowhere", tmp_path / "a"), ("/nowhere/guests/", tmp_path / "b")))
    assert got(roots, "/nowhere/guests/k") == inner
    put(tmp_path / "a/guests2/k")
    assert got(roots, "/nowhere/guests2/k") == tmp_path / "a/guests2/k"


def test_a_map_may_name_one_file(tmp_path: Path) -> None:
    kernel = put(tmp_path / "k")
    assert got(SearchPaths((("/nowhere/vmlinuz", kernel),)), "/nowhere/vmlinuz") == kernel


def test_a_map_alone_counts(tmp_path: Path) -> None:
    itself = put(tmp_path / "boot/k", "the container's")
    mapped = put(tmp_path / "mapped/k", "dom0's")
    put(tmp_path / "kernels/k", "another")
    maps = ((str(tmp_path / "boot"), tmp_path / "mapped"),)
    roots = SearchPaths(maps, (tmp_path / "kernels",))
    assert got(roots, str(itself)) == mapped
    mapped.unlink()
    fault = refused(roots, str(itself))
    assert str(mapped) in fault.message
    assert "--map" in str(fault.remedy)


@pytest.mark.parametrize("tail", ["nowhere/guests/k", "guests/k", "k"])
def test_tails_under_kernels(tail: str, tmp_path: Path) -> None:
    kernel = put(tmp_path / tail)
    assert got(SearchPaths(kernels=(tmp_path,)), "/nowhere/guests/k") == kernel


def test_the_longest_tail_wins_over_all_folders(tmp_path: Path) -> None:
    put(tmp_path / "one/k", "short")
    longer = put(tmp_path / "two/guests/k", "long")
    roots = SearchPaths(kernels=(tmp_path / "one", tmp_path / "two"))
    assert got(roots, "/nowhere/guests/k") == longer


def test_two_different_files_are_shown_both(tmp_path: Path) -> None:
    one, two = put(tmp_path / "one/k", "kernel1"), put(tmp_path / "two/k", "kernel2")
    roots = SearchPaths(kernels=(one.parent, two.parent))
    fault = refused(roots, "/nowhere/k")
    assert str(one) in fault.message
    assert str(two) in fault.message
    assert "--map /nowhere=" in str(fault.remedy)
    two.write_text("kernel1")
    assert got(roots, "/nowhere/k") == one
    two.unlink()
    two.hardlink_to(one)
    assert got(roots, "/nowhere/k") == one


def test_the_path_itself_and_a_kernels_folder_may_not_differ(tmp_path: Path) -> None:
    itself = put(tmp_path / "boot/k", "one kernel")
    other = put(tmp_path / "kernels/k", "another")
    roots = SearchPaths(kernels=(tmp_path / "kernels",))
    fault = refused(roots, str(itself))
    assert str(itself) in fault.message
    assert str(other) in fault.message
    other.write_text("one kernel")
    assert got(roots, str(itself)) == itself


def test_missing_lists_the_places_and_the_remedy(tmp_path: Path) -> None:
    fault = refused(SearchPaths(kernels=(tmp_path,)), "/nowhere/guests/k")
    for place in ("/nowhere/guests/k", f"{tmp_path}/guests/k", f"{tmp_path}/k"):
        assert place in fault.message
    assert fault.message.startswith("ramdisk /nowhere/guests/k")
    assert "-v /nowhere/guests:/nowhere/guests:ro" in str(fault.remedy)
    first = refused(SearchPaths(), "/nowhere/guests/k")
    assert "-v /nowhere/guests:/kernels:ro" in str(first.remedy)
    assert "--map /nowhere/guests=DIR" in str(fault.remedy)


@pytest.mark.parametrize("path", ["", "vmlinuz", "./k", "a\0b", "/a\0b"])
def test_paths_that_cannot_be_looked_for(path: str) -> None:
    fault = refused(SearchPaths(), path)
    assert "relative: xl takes it from the folder" in fault.message or path in ("", "a\0b", "/a\0b")


def test_names_of_any_bytes(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/k\xff\xe9"
    Path(os.fsdecode(raw)).write_text("kernel")
    assert os.fsencode(got(SearchPaths(), os.fsdecode(raw))) == raw
    refused(SearchPaths(), "/\ud800")


# --- links -----------------------------------------------------------------------------------

BOOT = "/nowhere/boot"


@pytest.fixture(params=["map", "kernels"])
def boot(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, SearchPaths]:
    """dom0's /nowhere/boot is a folder here, known by --map or guessed by its tail."""
    folder = tmp_path / "here"
    folder.mkdir()
    mapped = request.param == "map"
    return folder, SearchPaths(maps=((BOOT, folder),)) if mapped else SearchPaths(kernels=(folder,))


@pytest.mark.parametrize(
    "target",
    [
        f"{BOOT}/vmlinuz-6.1",
        "vmlinuz-6.1",
        "./vmlinuz-6.1",
        "../boot/vmlinuz-6.1",
        "../../../../nowhere/boot/vmlinuz-6.1",
        "../../etc/../nowhere/boot//vmlinuz-6.1",
    ],
)
def test_links_stay_inside(boot: tuple[Path, SearchPaths], target: str) -> None:
    folder, roots = boot
    kernel = put(folder / "vmlinuz-6.1")
    link(folder / "vmlinuz", target)
    assert got(roots, f"{BOOT}/vmlinuz") == kernel


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", "../../../../../etc/passwd"])
def test_links_never_leave(boot: tuple[Path, SearchPaths], target: str) -> None:
    folder, roots = boot
    link(folder / "vmlinuz", target)
    fault = refused(roots, f"{BOOT}/vmlinuz")
    assert "dom0's /etc/passwd, outside" in fault.message
    assert "--map /etc=/etc" in str(fault.remedy)


def test_folders_that_are_links(boot: tuple[Path, SearchPaths]) -> None:
    folder, roots = boot
    kernel = put(folder / "real/6.1/k")
    link(folder / "current", f"{BOOT}/real")
    link(folder / "real/latest", "6.1")
    assert got(roots, f"{BOOT}/current/latest/k") == kernel
    assert got(roots, f"{BOOT}/current/latest/../6.1/k") == kernel
    link(folder / "out", "/etc")
    refused(roots, f"{BOOT}/out/passwd")


def test_loops_end(boot: tuple[Path, SearchPaths]) -> None:
    folder, roots = boot
    link(folder / "a", "b")
    link(folder / "b", f"{BOOT}/a")
    assert "round in circles" in refused(roots, f"{BOOT}/a").message
    link(folder / "deep", "deep/deep")
    assert "round in circles" in refused(roots, f"{BOOT}/deep").message


def test_forty_links_are_fine_and_one_more_is_not(boot: tuple[Path, SearchPaths]) -> None:
    folder, roots = boot
    put(folder / "0")
    for number in range(1, 42):
        link(folder / str(number), str(number - 1))
    assert got(roots, f"{BOOT}/40") == folder / "0"
    assert "circles" in refused(roots, f"{BOOT}/41").message


def test_dangling_links_name_their_target(boot: tuple[Path, SearchPaths]) -> None:
    folder, roots = boot
    link(folder / "vmlinuz", "gone")
    fault = refused(roots, f"{BOOT}/vmlinuz")
    assert f"{BOOT}/vmlinuz leads to {folder}/gone" in fault.message


def test_the_remedy_for_an_outward_link_works(
    boot: tuple[Path, SearchPaths], tmp_path: Path
) -> None:
    folder, roots = boot
    link(folder / "vmlinuz", "/nowhere/srv/k")
    kernel = put(tmp_path / "srv/k")
    refused(roots, f"{BOOT}/vmlinuz")
    more = SearchPaths((*roots.maps, ("/nowhere/srv", tmp_path / "srv")), roots.kernels)
    assert got(more, f"{BOOT}/vmlinuz") == kernel


def test_a_mapped_folder_that_is_itself_a_link_here(tmp_path: Path) -> None:
    kernel = put(tmp_path / "real/k")
    link(tmp_path / "alias", "real")
    assert got(SearchPaths((("/nowhere", tmp_path / "alias"),)), "/nowhere/k") == kernel


def test_the_machines_own_links_on_the_path_itself(tmp_path: Path) -> None:
    kernel = put(tmp_path / "boot/vmlinuz-6.1")
    link(tmp_path / "vmlinuz", "boot/vmlinuz-6.1")
    assert got(SearchPaths(), str(tmp_path / "vmlinuz")) == kernel


# --- things that are no kernel file ----------------------------------------------------------


def test_what_is_no_regular_file_is_never_opened(boot: tuple[Path, SearchPaths]) -> None:
    folder, roots = boot
    (folder / "dir").mkdir()
    os.mkfifo(folder / "pipe")
    put(folder / "empty", "")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
    kinds = {"dir": "a directory", "pipe": "a named pipe", "socket": "a socket", "empty": "0 bytes"}
    for name, words in kinds.items():
        assert words in refused(roots, f"{BOOT}/{name}").message
    assert "character device" in refused(SearchPaths(), "/dev/zero").message
    assert "a directory" in refused(SearchPaths(), "/").message


def test_a_candidate_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "boot/k")
    link(tmp_path / "kernels/k", "/etc/passwd")
    refused(SearchPaths(kernels=(tmp_path / "kernels",)), str(tmp_path / "boot/k"))


@contextmanager
def ordinary_user() -> Iterator[None]:
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_unreadable_files_and_folders() -> None:
    with TemporaryDirectory() as name:  # pytest's own folders are closed to other users
        folder = Path(name)
        folder.chmod(0o755)
        put(folder / "closed/k").parent.chmod(0)
        put(folder / "secret").chmod(0)
        kernel = put(folder / "kernels/k")
        kernel.parent.chmod(0o755)
        with ordinary_user():
            fault = refused(SearchPaths(), f"{folder}/closed/k")
            assert f"{folder}/closed/k (Permission denied)" in fault.message
            assert "Permission denied" in refused(SearchPaths(), f"{folder}/secret").message
            # a folder closed to us says nothing: the file is found by its tail
            assert got(SearchPaths(kernels=(kernel.parent,)), f"{folder}/closed/k") == kernel
        (folder / "closed").chmod(0o700)
