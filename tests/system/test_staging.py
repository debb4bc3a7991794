"""Files appear complete or not at all, and two runs never meet."""

import errno
import os
from pathlib import Path

import pytest

from shimtool.errors import ShimtoolError
from shimtool.system.staging import PREFIX, SUFFIX, Staging, locked, write_file
from tests.support.outputs import version_of


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_all_files_appear_at_the_end(tmp_path: Path) -> None:
    with Staging() as staging:
        staging.open(tmp_path / "a").write(b"1")
        staging.open(tmp_path / "b", 0o700).write(b"2")
        assert not [name for name in names(tmp_path) if not name.startswith(PREFIX)]
    assert names(tmp_path) == ["a", "b"]
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o600, 0o700]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_an_error_leaves_the_old_files(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(error), Staging() as staging:
        staging.open(tmp_path / "a").write(b"new")
        raise error
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_write_error_is_ours_and_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ShimtoolError) as caught, Staging() as staging:
        staging.open(tmp_path / "a").write(b"new")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    (fault,) = caught.value.faults
    assert fault.seen == "No space left on device"
    assert str(fault.where) == str(tmp_path / "a")
    assert names(tmp_path) == []


def test_a_target_that_is_a_folder_leaves_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(ShimtoolError), Staging() as staging:
        staging.open(tmp_path / "a").write(b"new")
    assert names(tmp_path) == ["a"]


def test_a_small_file_is_replaced_only_when_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "script"
    write_file(path, b"one", 0o700)
    before = version_of(path)
    write_file(path, b"one", 0o700)
    assert version_of(path) == before
    write_file(path, b"two", 0o700)
    assert path.read_bytes() == b"two"


def test_two_runs_do_not_meet(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(ShimtoolError, match="another shimtool"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


def test_leftovers_of_a_killed_run_go(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}x{SUFFIX}").touch()
    (tmp_path / "web01.iso").touch()
    with locked(tmp_path):
        assert names(tmp_path) == [".lock", "web01.iso"]
