"""The image's archive and the folder it is unpacked in: damaged, full, killed, another's."""

import lzma
import os
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shimtool import __version__
from tests.appliance.conftest import Dist, without_engine
from tests.appliance.engines import Engine, podman_engine, run
from tests.appliance.tenant import MARK, Tenant, a_tenant
from tests.support.cli import Result
from tests.support.mounts import mounted
from tests.support.own_folder import folder_of_root

pytestmark = pytest.mark.appliance

Version = Callable[[], Result]


@pytest.fixture
def own_dist(dist: Dist, tmp_path: Path) -> Path:
    """A copy of what `make dist` wrote, to be damaged."""
    return Path(shutil.copytree(dist.folder, tmp_path / "dist"))


@pytest.fixture
def room() -> Iterator[Path]:
    """An empty folder for the unpacked image."""
    with folder_of_root() as folder:
        yield folder


@pytest.fixture
def version(own_dist: Path, room: Path) -> Version:
    """Run `shimtool --version` without an engine."""
    return lambda: run([own_dist / "shimtool", "--version"], without_engine(room), room)


def archive_of(folder: Path) -> Path:
    (archive,) = folder.glob("*.tar.xz")
    return archive


def flip(path: Path, at: int) -> None:
    """Change one bit."""
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def _fill(path: Path, data: bytes) -> None:
    path.write_bytes(data)


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a bit in the middle": lambda path: flip(path, path.stat().st_size // 2),
    "its last byte": lambda path: flip(path, path.stat().st_size - 1),
    "cut off": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "another archive": lambda path: _fill(path, lzma.compress(b"")),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_archive(version: Version, own_dist: Path, room: Path, damage: str) -> None:
    DAMAGE[damage](archive_of(own_dist))
    done = version()
    assert done.code == 1
    assert "is damaged" in done.err
    assert done.out == ""
    assert not list(room.iterdir())


def test_a_damaged_archive_without_xz(
    version: Version, own_dist: Path, room: Path, plain_archive: Path
) -> None:
    plain = Path(shutil.copy(plain_archive, own_dist))
    flip(plain, plain.stat().st_size // 2)
    done = version()
    assert done.code == 1
    assert f"{plain} is damaged" in done.err
    assert not list(room.iterdir())


def test_a_damaged_archive_is_not_loaded(engine: Engine, own_dist: Path) -> None:
    flip(archive_of(own_dist), 100_000)
    before = {image.id for image in engine.client.images.list()}
    env = {**engine.env, "SHIMTOOL_ENGINE": engine.program}
    # Not the name that other tests have loaded.
    launcher = own_dist / "shimtool"
    launcher.write_text(
        launcher.read_text().replace("image=localhost/shimtool:", "image=localhost/other:")
    )
    done = run([launcher, "--version"], env, own_dist)
    assert done.code == 1
    assert "is damaged" in done.err
    assert {image.id for image in engine.client.images.list()} == before


@pytest.mark.parametrize("program", ["xz", "tar"])
def test_a_part_of_the_pipe_that_fails(
    version: Version, room: Path, tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The archive is whole; its reader or its taker does all its work, and then fails."""
    tools = tmp_path / "tools"
    tools.mkdir()
    real = shutil.which(program)
    (tools / program).write_text(f'#!/bin/sh\n{real} "$@"\nexit 1\n')
    (tools / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    done = version()
    assert done.code == 1
    assert "cannot unpack" in done.err
    assert not list(room.iterdir())


@pytest.mark.parametrize("megabytes", [1, 30, 60])
def test_a_full_disk(version: Version, room: Path, megabytes: int) -> None:
    with mounted(room, "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs"):
        done = version()
        assert done.code == 1
        assert "is there room" in done.err
        assert not list(room.iterdir())
    assert version().out == f"shimtool {__version__}\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_stopped_while_it_unpacks(
    version: Version, own_dist: Path, room: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """What is killed outright cannot clean up; the next one does."""
    launcher, tar = own_dist / "shimtool", tmp_path / "tar"
    tar.write_text('#!/bin/sh\n/usr/bin/tar "$@"\ncase $* in *" -p "*) exec sleep inf ;; esac\n')
    tar.chmod(0o755)  # it never ends: the moment cannot pass
    environment = without_engine(room) | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    heeding = ["env", "--default-signal", str(launcher), "--version"]  # under nohup, too
    with subprocess.Popen(heeding, env=environment, start_new_session=True) as started:
        while not list(room.glob("*.new.*/root")):
            assert started.poll() is None
            time.sleep(0.001)
        os.killpg(started.pid, number)
    assert started.returncode != 0
    assert bool(list(room.iterdir())) == (number == signal.SIGKILL)
    assert version().out == f"shimtool {__version__}\n"
    assert [path.name.count(".new.") for path in room.iterdir()] == [0]


# --- folders that others can change --------------------------------------------------------------


@pytest.fixture(scope="module")
def tenant() -> Iterator[Tenant]:
    with a_tenant() as made:
        yield made


def refused(done: Result, folder: Path, remedy: str = "SHIMTOOL_CACHE") -> None:
    assert done.code == 1
    assert str(folder) in done.err
    assert remedy in done.err
    assert done.out == ""


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_cache_that_others_can_write_to(version: Version, room: Path, mode: int) -> None:
    room.chmod(mode)
    refused(version(), room)
    assert not list(room.iterdir())


def test_a_cache_below_a_sticky_folder(own_dist: Path, room: Path) -> None:
    """Nobody can exchange it, but programs look for their parts in the folders above theirs."""
    room.chmod(0o1777)
    (room / "there").mkdir()
    done = run([own_dist / "shimtool", "--version"], without_engine(room / "there"), room)
    refused(done, room)


@pytest.mark.parametrize("his", ["room", "room/there", "link"])
def test_a_cache_that_a_tenant_can_exchange(
    own_dist: Path, tenant: Tenant, his: str, room: Path
) -> None:
    tenant.does("rm -rf room link; mkdir -p room/there; ln -s room link")
    cache = tenant.home / his
    if his == "link":
        cache = room / "link"
        cache.symlink_to(tenant.home / "room")
    done = run([own_dist / "shimtool", "--version"], without_engine(cache), room)
    refused(done, tenant.home)
    assert not [path for path in tenant.home.rglob("*") if "new" in path.name]


def test_files_that_a_tenant_has_put_there(version: Version, room: Path, tenant: Tenant) -> None:
    """As where everybody could write to the cache once."""
    assert version().code == 0
    (files,) = room.iterdir()
    shutil.rmtree(files)
    tenant.program("image/usr/lib64/ld-linux-x86-64.so.2")
    files.symlink_to(tenant.home / "image")
    refused(version(), files, "remove it")
    files.unlink()
    (tenant.home / "image").rename(files)
    refused(version(), files, "remove it")


def test_python_looks_for_nothing_above_the_image(
    version: Version, room: Path, tenant: Tenant
) -> None:
    """Its standard library might be a file lib/python311.zip in any folder above its own."""
    assert version().code == 0
    (files,) = room.iterdir()
    shutil.copytree(files, tenant.home / "below/image", symlinks=True)
    tenant.does("mkdir lib")
    with zipfile.ZipFile(tenant.home / "lib/python311.zip", "w") as library:
        library.writestr("encodings/__init__.py", f"raise SystemExit({MARK!r})")
    usr = tenant.home / "below/image/usr"
    libraries = usr / "lib/x86_64-linux-gnu"
    loader = libraries / "ld-linux-x86-64.so.2"
    python = f"{loader} --library-path {libraries} {usr}/bin/python3.11 -I -B".split()
    done = run([*python, "-m", "shimtool", "--version"], {}, room)
    assert done.said == f"shimtool {__version__}\n"
    (usr / "lib/python311.zip").unlink()
    assert MARK in run([*python, "-c", ""], {}, room).said, "what this test is about"


@pytest.fixture(params=["none", "podman"])
def checking(room: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment of a launcher that has no image yet."""
    if request.param == "none":
        yield without_engine(room)
        return
    with (
        tempfile.TemporaryDirectory(prefix="shimtool-podman-") as home,
        podman_engine(Path(home)) as engine,
    ):
        yield {**engine.env, "SHIMTOOL_ENGINE": "podman"}


def test_an_archive_that_is_exchanged_once_it_was_checked(
    checking: dict[str, str], own_dist: Path, room: Path, tmp_path: Path
) -> None:
    """Its owner is no longer asked then: what is unpacked or loaded is what was checked."""
    archive, tools = archive_of(own_dist), tmp_path / "tools"
    tools.mkdir()
    real = shutil.which("sha256sum")
    (tools / "sha256sum").write_text(f'#!/bin/sh\n{real} "$@"\n: > {archive}\n')
    (tools / "sha256sum").chmod(0o755)
    environ = {**checking, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = run([own_dist / "shimtool", "--version"], environ, room)
    assert done.out == f"shimtool {__version__}\n", done.err
    assert archive.stat().st_size == 0
