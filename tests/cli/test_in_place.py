"""--in-place and restore: the config keeps its name, and its bytes come back exactly."""

import os

from tests.cli.test_bad_input import refused
from tests.support.dom0 import Dom0


def test_the_config_keeps_its_path_owner_and_mode(dom0: Dom0) -> None:
    config = dom0.guest()
    config.chmod(0o640)
    os.chown(config, 12, 34)
    assert dom0.run("convert", "--in-place").code == 0
    status = config.stat()
    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o640, 12, 34)
    assert b"device_model_override" in config.read_bytes()
    assert dom0.run("verify", config).code == 0


def test_restore_brings_back_every_byte(dom0: Dom0) -> None:
    config = dom0.guest()
    odd = config.read_bytes() + b"# caf\xe9 \xff is not UTF-8\nvcpus = 1"
    config.write_bytes(odd)
    assert dom0.run("convert", "--in-place").code == 0
    assert config.read_bytes() != odd
    assert dom0.run("restore").code == 0
    assert config.read_bytes() == odd


def test_autostart_link_stays_a_link(dom0: Dom0) -> None:
    config = dom0.guest()
    (dom0.configs / "auto").mkdir()
    link = dom0.configs / "auto" / "web01.cfg"
    link.symlink_to("../web01.cfg")
    assert dom0.run("convert", "--in-place", link).code == 0
    assert link.is_symlink()
    assert link.read_bytes() == config.read_bytes()
    assert dom0.run("restore", link).code == 0
    assert link.is_symlink()


def test_again_is_unchanged(dom0: Dom0) -> None:
    config = dom0.guest()
    dom0.run("convert", "--in-place")
    first = config.read_bytes()
    again = dom0.run("convert", "--in-place")
    assert "web01: unchanged" in again.out
    assert config.read_bytes() == first


def test_an_edit_since_is_never_lost(dom0: Dom0) -> None:
    config = dom0.guest()
    dom0.run("convert", "--in-place")
    edited = config.read_bytes().replace(b"memory = 512", b"memory = 640")
    config.write_bytes(edited)
    for command in (("restore",), ("convert", "--in-place"), ("convert", "--in-place", "--force")):
        refused(dom0.run(*command), "edited", "-memory = 512", "+memory = 640")
        assert config.read_bytes() == edited


def test_restore_of_what_was_never_converted(dom0: Dom0) -> None:
    config = dom0.guest()
    refused(dom0.run("restore", config), "did not convert")


def test_a_bad_guest_leaves_its_config_alone(dom0: Dom0) -> None:
    config = dom0.config("web01.cfg", 'name = "web01"\nkernel = "/boot/gone"\n')
    before = config.read_bytes()
    refused(dom0.run("convert", "--in-place"), "web01.cfg:2")
    assert config.read_bytes() == before
