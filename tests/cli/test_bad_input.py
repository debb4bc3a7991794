"""Bad input: one clear error with file, line and remedy; exit 1; nothing written, no traceback."""

import subprocess
from collections.abc import Iterator

import pytest

from tests.support.cli import POWERLESS, refused
from tests.support.dom0 import Dom0
from tests.support.mounts import mounted


def nothing_written(dom0: Dom0) -> None:
    names = {path.name for path in dom0.out.iterdir()}
    assert names <= {".lock", "shimtool.yaml"}, names


def test_syntax_errors_are_all_listed(dom0: Dom0) -> None:
    dom0.config("web01.cfg", 'name = "web01"\nmemory = \nvcpus = 1\nkernel = "/boot/x\ndisk = [\n')
    refused(dom0.run("convert"), "web01.cfg:2", "web01.cfg:4")
    nothing_written(dom0)


def test_no_name(dom0: Dom0) -> None:
    dom0.config("anon.cfg", 'kernel = "/boot/vmlinuz-guest"\nmemory = 512\n')
    refused(dom0.run("convert"), "anon.cfg", "name")
    nothing_written(dom0)


@pytest.mark.parametrize("name", ["../../etc/cron.d/x", "a/b", "..", ".", "-rf", "a\\nb", ""])
def test_name_that_is_no_file_name(dom0: Dom0, name: str) -> None:
    dom0.config("evil.cfg", f'name = "{name}"\nkernel = "/boot/vmlinuz-guest"\n')
    refused(dom0.run("convert"), "evil.cfg:1", "name")
    nothing_written(dom0)


def test_kernel_missing(dom0: Dom0) -> None:
    dom0.config("web01.cfg", 'name = "web01"\nkernel = "/boot/vmlinuz-gone"\n')
    refused(dom0.run("convert"), "web01.cfg:2", "/boot/vmlinuz-gone", "--map")
    nothing_written(dom0)


def test_kernel_and_ramdisk_missing_are_said_together(dom0: Dom0) -> None:
    dom0.config("web01.cfg", 'name = "web01"\nkernel = "/boot/k"\nramdisk = "/boot/r"\n')
    refused(dom0.run("convert"), "web01.cfg:2", "web01.cfg:3")
    nothing_written(dom0)


def test_kernel_is_a_directory(dom0: Dom0) -> None:
    (dom0.boot / "folder").mkdir()
    dom0.config("web01.cfg", 'name = "web01"\nkernel = "/boot/folder"\n')
    refused(dom0.run("convert"), "web01.cfg:2", "directory")
    nothing_written(dom0)


def test_kernel_is_empty(dom0: Dom0) -> None:
    (dom0.boot / "empty").touch()
    dom0.config("web01.cfg", 'name = "web01"\nkernel = "/boot/empty"\n')
    refused(dom0.run("convert"), "web01.cfg:2", "0 bytes")
    nothing_written(dom0)


def test_kernel_is_unreadable(dom0: Dom0) -> None:
    (dom0.boot / "secret").write_bytes(b"x")
    (dom0.boot / "secret").chmod(0)
    dom0.config("web01.cfg", 'name = "web01"\nkernel = "/boot/secret"\n')
    result = dom0.run("convert", through=POWERLESS)
    refused(result, "web01.cfg:2", "Permission denied")
    nothing_written(dom0)


def test_kernel_that_is_none(dom0: Dom0) -> None:
    (dom0.boot / "text").write_text("#!/bin/sh\necho hello\n" * 100)
    dom0.config("web01.cfg", 'name = "web01"\nkernel = "/boot/text"\n')
    refused(dom0.run("convert"), "text")
    nothing_written(dom0)


def test_in_is_empty(dom0: Dom0) -> None:
    refused(dom0.run("convert"), "etc-xen", "/in")
    nothing_written(dom0)


def test_in_is_missing(dom0: Dom0) -> None:
    dom0.configs.rmdir()
    refused(dom0.run("convert"), "etc-xen", "-v /etc/xen:/in")


def test_two_guests_of_one_name(dom0: Dom0) -> None:
    dom0.guest("web01")
    dom0.config("copy.cfg", (dom0.configs / "web01.cfg").read_bytes())
    refused(dom0.run("convert"), "copy.cfg", "web01.cfg", "name")
    nothing_written(dom0)


def test_config_of_100_mb(dom0: Dom0) -> None:
    with (dom0.configs / "big.cfg").open("wb") as file:
        file.truncate(100_000_000)
    refused(dom0.run("convert"), "big.cfg", "too big")
    nothing_written(dom0)


def test_binary_junk(dom0: Dom0) -> None:
    dom0.config("junk.cfg", bytes(range(256)) * 40)
    refused(dom0.run("convert"), "junk.cfg")
    nothing_written(dom0)


def test_one_bad_guest_does_not_stop_the_others(dom0: Dom0) -> None:
    dom0.guest("good")
    dom0.config("bad.cfg", 'name = "bad"\nkernel = "/boot/gone"\n')
    refused(dom0.run("convert"), "bad.cfg:2")
    assert set(dom0.written()) == {"good.iso", "good.cfg", "shimtool-dm"}


@pytest.fixture
def small(dom0: Dom0) -> Iterator[Dom0]:
    """--out on a disk of 1 MB."""
    with mounted(dom0.out, "-t", "tmpfs", "-o", "size=1m,mode=755", "small"):
        yield dom0


def test_out_is_full(small: Dom0) -> None:
    small.guest("web01")
    refused(small.run("convert"), "No space left", "free some space")
    assert set(small.written()) == {"shimtool-dm"}


def test_out_is_read_only(small: Dom0) -> None:
    small.guest("web01")
    subprocess.run(["mount", "-o", "remount,ro", small.out], check=True)
    refused(small.run("convert"), "Read-only file system", "mount it writable")


def test_unknown_option_is_usage(dom0: Dom0) -> None:
    assert dom0.run("convert", "--no-such").code == 2


def test_bad_mode_is_usage(dom0: Dom0) -> None:
    assert dom0.run("convert", "--mode", "vm").code == 2


def test_output_of_ours_is_not_converted_again(dom0: Dom0) -> None:
    dom0.guest("web01")
    assert dom0.run("convert").code == 0
    refused(dom0.run("convert", dom0.out / "web01.cfg"), "web01.cfg")
