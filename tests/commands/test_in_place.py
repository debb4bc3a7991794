"""--in-place and restore: the config keeps its name, and its bytes come back exactly."""

import os

from tests.support.cli import refused
from tests.support.dom0 import Dom0
from tests.support.mounts import mounted


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
    edited = config.read_bytes().replace(b"\nmemory = 539", b"\nmemory = 640")
    config.write_bytes(edited)
    for command in (("restore",), ("convert", "--in-place"), ("convert", "--in-place", "--force")):
        refused(dom0.run(*command), "edited", "-memory = 539", "+memory = 640")
        assert config.read_bytes() == edited


def test_restore_of_what_was_never_converted(dom0: Dom0) -> None:
    config = dom0.guest()
    refused(dom0.run("restore", config), "did not convert")


def test_a_bad_guest_leaves_its_config_alone(dom0: Dom0) -> None:
    config = dom0.config("web01.cfg", 'name = "web01"\nkernel = "/boot/gone"\n')
    before = config.read_bytes()
    refused(dom0.run("convert", "--in-place"), "web01.cfg:2")
    assert config.read_bytes() == before


def test_another_config_of_the_same_name_never_takes_the_original(dom0: Dom0) -> None:
    one, two = dom0.guest(), dom0.config("two.cfg", b"# two\n")
    text = one.read_bytes()
    two.write_bytes(text + b"vcpus = 2\n")
    assert dom0.run("convert", "--in-place", one).code == 0
    refused(dom0.run("convert", "--in-place", two), "two.cfg", "restore", "web01.cfg")
    assert dom0.run("restore", one).code == 0
    assert one.read_bytes() == text


def test_a_guest_called_like_a_kept_original_takes_nothing(dom0: Dom0) -> None:
    one = dom0.guest()
    text = one.read_bytes()
    assert dom0.run("convert", "--in-place", one).code == 0
    for name in ("web01.original", "originals", "shimtool"):
        assert dom0.run("convert", dom0.guest(name)).code == 0
    assert dom0.run("restore", one).code == 0
    assert one.read_bytes() == text


def test_a_damaged_original_is_not_brought_back(dom0: Dom0) -> None:
    config = dom0.guest()
    assert dom0.run("convert", "--in-place").code == 0
    converted = config.read_bytes()
    (dom0.out / "originals/web01/original.cfg").write_bytes(b"")
    refused(dom0.run("restore"), "damaged", "originals/web01")
    assert config.read_bytes() == converted


def test_a_plain_convert_in_between_does_not_hinder_restore(dom0: Dom0) -> None:
    config = dom0.guest()
    text = config.read_bytes()
    assert dom0.run("convert", "--in-place").code == 0
    assert dom0.run("convert", "--xen", "4.17.7").code == 0
    assert dom0.run("restore").code == 0
    assert config.read_bytes() == text


def test_one_broken_config_does_not_stop_restore_of_the_others(dom0: Dom0) -> None:
    config = dom0.guest()
    text = config.read_bytes()
    assert dom0.run("convert", "--in-place").code == 0
    dom0.config("aaa.cfg", config.read_bytes() + b"name = [\n")
    dom0.config("bbb.cfg", "name = [\n")  # never ours
    refused(dom0.run("restore"), "aaa.cfg")
    assert config.read_bytes() == text


def test_a_read_only_folder_of_configs(dom0: Dom0) -> None:
    config = dom0.guest()
    text = config.read_bytes()
    with mounted(dom0.configs, "--bind", "-o", "ro", dom0.configs):
        result = dom0.run("convert", "--in-place")
    refused(result, "Read-only file system", "must be writable")
    assert config.read_bytes() == text
    assert set(dom0.written()) <= {"shimtool-dm"}
