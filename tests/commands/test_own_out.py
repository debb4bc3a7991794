"""--out is root's, or the user's own: dom0 runs shimtool-dm from it as root."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import refused
from tests.support.dom0 import Dom0, make_dom0

TENANT = 12345
NO_UMASK = ("sh", "-c", 'umask 0; exec "$@"', "sh")


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CI job may be what runs these tests."""
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def dom0() -> Iterator[Dom0]:
    """A dom0 in a folder of /tmp that all can reach."""
    with tempfile.TemporaryDirectory() as made:
        root = Path(made)
        root.chmod(0o755)
        yield make_dom0(root)


def open_to_others(folder: Path) -> list[str]:
    """Everything from `folder` down that others than its owner may write."""
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if path.lstat().st_mode & 0o022 and not path.is_symlink()]


@pytest.mark.parametrize("more", [(), ("--in-place",), ("--xen", "4.17.7")])
def test_nothing_is_writable_by_others_whatever_umask(dom0: Dom0, more: tuple[str, ...]) -> None:
    dom0.guest()
    dom0.out.rmdir()
    out = dom0.root / "new" / "out"
    done = dom0.run("convert", *more, "--out", out, through=NO_UMASK)
    assert done.code == 0, done
    assert open_to_others(out.parent) == []


@pytest.mark.parametrize("name", ["web01.iso", "web01.cfg", "shimtool-dm"])
def test_an_output_that_others_may_write_is_made_anew(dom0: Dom0, name: str) -> None:
    dom0.guest()
    assert dom0.run("convert").code == 0
    (dom0.out / name).chmod(0o722)
    if name != "shimtool-dm":
        assert f"{name} can be written by others" in dom0.run("status").out
    assert dom0.run("convert").code == 0
    assert open_to_others(dom0.out) == []


def test_a_shared_shim_that_others_may_write_is_made_anew(dom0: Dom0) -> None:
    dom0.guest()
    assert dom0.run("convert", "--xen", "4.17.7").code == 0
    (shim,) = dom0.out.glob("xen-shim-*")
    shim.chmod(0o666)
    assert dom0.run("convert", "--xen", "4.17.7").code == 0
    assert open_to_others(dom0.out) == []


@pytest.mark.parametrize("command", ["convert", "restore"])
@pytest.mark.parametrize(
    ("mode", "user", "why"),
    [
        (0o777, 0, "everybody can write"),
        (0o1777, 0, "everybody can write"),
        (0o775, 0, "group 12345 can write"),
        (0o755, TENANT, "it belongs to user 12345"),
    ],
)
def test_an_out_of_others_is_refused(
    dom0: Dom0, command: str, mode: int, user: int, why: str
) -> None:
    config = dom0.guest()
    assert dom0.run("convert", "--in-place").code == 0
    before = config.read_bytes()
    os.chown(dom0.out, user, TENANT)
    dom0.out.chmod(mode)
    refused(dom0.run(command, *(["--force"] if command == "convert" else [config])), "out", why)
    assert config.read_bytes() == before


def test_an_out_that_others_can_exchange_is_refused_and_not_made(dom0: Dom0) -> None:
    dom0.guest()
    tenants = dom0.root / "tenants"
    tenants.mkdir()
    os.chown(tenants, TENANT, TENANT)
    (tenants / "link").symlink_to(dom0.root)
    for out in (tenants / "out", tenants / "link" / "out2", tenants / "link" / "a" / "b"):
        refused(dom0.run("convert", "--out", out), str(tenants), "belongs to user 12345")
        assert not out.exists()
    (tenants / "roots").mkdir(mode=0o700)
    refused(dom0.run("convert", "--out", tenants / "roots"), str(tenants))


def test_a_ci_job_may_write_below_its_runners_folder(
    dom0: Dom0, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root in a container, in a working copy that is the runner's, or everybody's."""
    dom0.guest()
    work = dom0.root / "work"
    work.mkdir()
    os.chown(work, TENANT, TENANT)
    work.chmod(0o777)
    monkeypatch.setenv("CI", "true")
    assert dom0.run("convert", "--out", work / "converted").code == 0
    (work / "converted").chmod(0o777)
    refused(dom0.run("convert", "--out", work / "converted"), "everybody can write")


def test_a_user_may_convert_in_a_folder_of_his_own(dom0: Dom0) -> None:
    dom0.guest()
    subprocess.run(["chown", "-R", f"{TENANT}:{TENANT}", dom0.configs, dom0.out], check=True)
    dom0.configs.chmod(0o775)
    for command in (("convert", "--in-place"), ("restore",)):
        done = dom0.run(*command, through=("setpriv", f"--reuid={TENANT}", f"--regid={TENANT}",
                                           "--clear-groups"))  # fmt: skip
        assert done.code == 0, done


@pytest.mark.parametrize("command", [("convert", "--in-place"), ("restore",)])
@pytest.mark.parametrize(("mode", "user"), [(0o757, 0), (0o1777, 0), (0o755, TENANT)])
def test_a_config_in_anothers_folder_is_left_alone(
    dom0: Dom0, command: tuple[str, ...], mode: int, user: int
) -> None:
    config = dom0.guest()
    if command == ("restore",):
        assert dom0.run("convert", "--in-place").code == 0
    before = config.read_bytes()
    os.chown(dom0.configs, user, user)
    dom0.configs.chmod(mode)
    refused(dom0.run(*command), "others can change", str(dom0.configs))
    assert config.read_bytes() == before
    if command != ("restore",):  # without --in-place nothing is written there
        assert dom0.run("convert").code == 0


def test_a_link_in_a_tenants_folder_chooses_no_config(dom0: Dom0) -> None:
    config = dom0.guest()
    before = config.read_bytes()
    tenants = dom0.root / "tenants"
    tenants.mkdir()
    (tenants / "web01.cfg").symlink_to(config)
    os.chown(tenants, TENANT, TENANT)
    refused(dom0.run("convert", "--in-place", tenants / "web01.cfg"), str(tenants))
    assert config.read_bytes() == before
