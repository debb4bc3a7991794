"""What stands in --out after several runs: never stale, never another's, never lost."""

import gzip
import os
from pathlib import Path

import pytest

from tests.support import kernel_builder as build
from tests.support.cli import refused, shimtool_cli
from tests.support.dom0 import RAMDISK, Dom0
from tests.support.mounts import mounted
from tests.support.outputs import extract


def test_the_device_model_script_comes_back(dom0: Dom0) -> None:
    dom0.guest()
    assert dom0.run("convert").code == 0
    (dom0.out / "shimtool-dm").unlink()
    again = dom0.run("convert")
    assert "web01: unchanged" in again.out
    assert (dom0.out / "shimtool-dm").stat().st_mode & 0o111


def test_pvh_guests_that_share_a_shim_are_unchanged_the_second_time(dom0: Dom0) -> None:
    for name in ("one", "two", "three"):
        dom0.guest(name)
    assert dom0.run("convert", "--xen", "4.17.7").code == 0
    again = dom0.run("convert", "--xen", "4.17.7")
    said = [line.partition(" (pvh, shim ")[0] for line in again.out.splitlines()]
    assert [line for line in said if "unchanged" in line] == [
        f"{name}: unchanged" for name in ("one", "three", "two")
    ]


def test_a_damaged_shared_shim_is_written_again(dom0: Dom0) -> None:
    dom0.guest()
    assert dom0.run("convert", "--xen", "4.17.7").code == 0
    (shim,) = dom0.out.glob("xen-shim-*")
    whole = shim.read_bytes()
    shim.write_bytes(whole[:-1])
    assert dom0.run("convert", "--xen", "4.17.7").code == 0
    assert shim.read_bytes() == whole


def test_the_iso_goes_when_the_guest_needs_none_any_more(dom0: Dom0) -> None:
    dom0.guest()
    assert dom0.run("convert").code == 0
    assert dom0.run("convert", "--mode", "pvh", "--xen", "4.17.7").code == 0
    assert not (dom0.out / "web01.iso").exists()


def test_content_changed_under_an_old_time_is_noticed(dom0: Dom0) -> None:
    dom0.guest()
    assert dom0.run("convert").code == 0
    ramdisk = dom0.boot / Path(RAMDISK).name
    status = ramdisk.stat()
    data = bytearray(ramdisk.read_bytes())
    data[4:8] = b"time"  # in gzip's header
    ramdisk.write_bytes(data)
    os.utime(ramdisk, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "web01: converted" in dom0.run("convert").out
    assert dom0.run("verify", dom0.out / "web01.iso").code == 0


def test_out_that_holds_the_configs_overwrites_none(dom0: Dom0) -> None:
    config = dom0.guest()
    before = config.read_bytes()
    result = shimtool_cli(
        *("convert", "--in", dom0.configs, "--out", dom0.configs),
        *("--map", f"/boot={dom0.boot}"),
    )
    refused(result, "web01.cfg", "would be overwritten", "--in-place")
    assert config.read_bytes() == before


def test_a_folder_in_the_way_changes_nothing(dom0: Dom0) -> None:
    dom0.guest()
    assert dom0.run("convert").code == 0
    iso = (dom0.out / "web01.iso").read_bytes()
    (dom0.out / "web01.cfg").unlink()
    (dom0.out / "web01.cfg").mkdir()
    dom0.guest(more='extra = "quiet"\n')
    refused(dom0.run("convert"), "out/web01.cfg: a folder is in the way")
    assert (dom0.out / "web01.iso").read_bytes() == iso


def test_a_config_named_twice_or_by_a_link_is_one(dom0: Dom0) -> None:
    config = dom0.guest()
    link = dom0.configs / "link.cfg"
    link.symlink_to("web01.cfg")
    result = dom0.run("convert", config, config, link)
    assert result.code == 0, result.err
    assert result.out.count("web01: converted") == 1


@pytest.fixture
def packed(dom0: Dom0) -> Dom0:
    """A guest whose kernel must be stored unpacked: a gzipped ELF, as XenLinux ones were."""
    elf = build.elf(body=bytes(8_000_000), segment=build.notes(build.PV_NOTES))
    (dom0.boot / "vmlinux-2.6").write_bytes(gzip.compress(elf))
    dom0.config("old.cfg", 'name = "old"\nkernel = "/boot/vmlinux-2.6"\n')
    return dom0


def test_a_gzipped_kernel_is_stored_unpacked(packed: Dom0) -> None:
    assert packed.run("convert").code == 0
    stored = extract(packed.out / "old.iso", "kernel")
    assert stored == gzip.decompress((packed.boot / "vmlinux-2.6").read_bytes())
    assert packed.run("verify", packed.out / "old.cfg").code == 0
    assert set(packed.written()) == {"old.cfg", "old.iso", "shimtool-dm"}


def test_a_disk_that_fills_while_unpacking_is_left_clean(packed: Dom0) -> None:
    with mounted(packed.out, "-t", "tmpfs", "-o", "size=1m,mode=755", "small"):
        refused(packed.run("convert"), "No space left", "free some space")
        assert set(packed.written()) <= {"shimtool-dm"}
