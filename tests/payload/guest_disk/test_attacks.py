"""Each named attack by a guest's disk: that guest is refused, within limits; another converted."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool.payload.guest_disk import limits
from shimtool.payload.jailed import reader
from shimtool.system.jail import Limits
from tests.payload.guest_disk.attacks import ATTACKS, FILES
from tests.payload.guest_disk.support import read
from tests.support import disks
from tests.support.cli import forked, run_here
from tests.support.dom0 import make_dom0

CPU_SECONDS = 1  # in place of 10
SOUND = 1.0  # seconds that reading a sound disk three times takes at most, usually 0.1
MEMORY = 320  # MiB; of these the jail gives a reader 256, the rest is this process's own


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_attack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attack: Callable[[Path], Path]
) -> None:
    monkeypatch.setattr(reader, "LIMITS", Limits(cpu_seconds=CPU_SECONDS))
    dom0 = make_dom0(tmp_path)
    (tmp_path / "hostile").mkdir()
    images = {
        "hostile": attack(tmp_path / "hostile"),
        "sound": disks.ext(tmp_path / "sound.img", FILES, "ext4", 8),
    }
    words = ["convert", "--extract", "--xen", "4.9.2", "--jobs", "2"]
    for name, image in images.items():
        dom0.config(
            f"{name}.cfg",
            f"name = '{name}'\nbootloader = 'pygrub'\nmemory = 64\n"
            f"disk = ['phy:/srv/{name},xvda,w']\n",
        )
        words += ["--map", f"/srv/{name}={image}"]
    said, took = tmp_path / "said", tmp_path / "took"

    def convert() -> None:
        ended = run_here(*dom0.words(*words))
        said.write_text(ended.said)
        took.write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime))
        os._exit(ended.code)

    done = forked(convert)
    assert done.code == 1, said.read_text()
    (line,) = [each for each in said.read_text().splitlines() if each.startswith("error: ")]
    assert any(words in line for words in ATTACKS[attack]), line
    assert "Traceback" not in said.read_text()
    assert "sound: converted" in said.read_text()
    assert set(dom0.written()) == {"sound.iso", "sound.cfg", "shimtool-dm"}
    assert float(took.read_text()) < CPU_SECONDS + SOUND  # by its children, which read the disks
    assert done.memory < MEMORY  # of the largest of them


WITHOUT_PROC = ("unshare", "-m", "--propagation", "unchanged",
                "sh", "-c", 'mount -t tmpfs none /proc && exec "$0" "$@"')  # fmt: skip
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")


@pytest.mark.parametrize(
    ("through", "missing"),
    [
        (WITHOUT_PROC, "chroot"),
        (WITHOUT_RIGHTS, "namespaces, chroot, another user than root"),
    ],
    ids=lambda words: words[0],
)
def test_where_not_all_walls_stand(tmp_path: Path, through: tuple[str, ...], missing: str) -> None:
    """In a chroot without /proc, and in a container without capabilities: --verbose says so."""
    dom0 = make_dom0(tmp_path)
    image = disks.ext(tmp_path / "sound.img", FILES, "ext4", 8)
    config = "name = 'a'\nbootloader = 'pygrub'\nmemory = 64\ndisk = ['phy:/srv/a,xvda,w']\n"
    dom0.config("a.cfg", config)
    words = ("-v", "--extract", "--xen", "4.9.2", "--map", f"/srv/a={image}")
    done = dom0.run("convert", *words, through=through)
    assert done.code == 0, done.err
    assert done.err.count(f"jail: this system does not let it have: {missing}\n") == 1


def test_a_user_without_rights_reads_a_disk(tmp_path: Path) -> None:
    image = disks.ext(tmp_path / "sound.img", FILES, "ext4", 8)
    limits.import_readers(())
    folder = os.open(tmp_path, os.O_RDONLY)

    def as_somebody() -> None:
        os.fchdir(folder)  # pytest's own folders are closed to others
        Path().chmod(0o755)
        os.setgroups([])
        os.setresgid(1234, 1234, 1234)
        os.setresuid(1234, 1234, 1234)
        assert read(Path(image.name)).kernel == FILES["/boot/vmlinuz-6.1"]

    done = forked(as_somebody)
    assert not done.code, done.said
