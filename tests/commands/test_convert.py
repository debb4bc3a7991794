"""convert, read back: what was written is opened with other tools than those that wrote it."""

import hashlib
import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from shimtool.output.parameter_file import Parameters, StoredFile, decode_parameters
from tests.support import debs, hypervisors
from tests.support.cli import refused, shimtool_cli
from tests.support.dom0 import Dom0
from tests.support.outputs import converted, extract, version_of
from tests.support.own_shims import own_shims


def test_payload_arrives_byte_for_byte(debian_dom0: Dom0) -> None:
    debian_dom0.guest()
    iso = converted(debian_dom0)
    assert extract(iso, "kernel") == debs.kernel().read_bytes()
    assert extract(iso, "xen-shim") == debs.xen_shim().read_bytes()
    stored = extract(iso, "ramdisk")
    assert stored[4096:] == (debian_dom0.boot / "initrd-guest").read_bytes()
    assert stored[:4096] == bytes(4096), "the guard hides gzip's magic from the loader"


def test_the_pre_stage_is_told_what_the_guest_boots(dom0: Dom0) -> None:
    line = 'quiet  dyndbg="file a.c +p" x=$HOME;{} '
    dom0.guest(more=f"root = '/dev/xvda2 ro'\nextra = '{line}'\n")
    iso = converted(dom0, "--xen", "4.17", "--mode", "hvm")
    append = extract(iso, "isolinux.cfg").decode().splitlines()[-1]
    assert append == "  APPEND prestage --- xen-shim --- params --- kernel --- ramdisk"
    assert decode_parameters(extract(iso, "params")) == Parameters(
        vcpus=1,
        shim=StoredFile(len(extract(iso, "xen-shim"))),
        kernel=StoredFile(len(extract(iso, "kernel"))),
        ramdisk=StoredFile((dom0.boot / "initrd-guest").stat().st_size, guarded=True),
        shim_line=b"pv-shim console=xen,pv",
        guest_line=f"root=/dev/xvda2 ro {line}".encode(),
    )


def test_old_hosts_and_verbose_boots_are_told_of(dom0: Dom0) -> None:
    dom0.guest(more="vcpus = 2\nmaxvcpus = 4\n")
    told = decode_parameters(extract(converted(dom0, "--xen", "4.6.6"), "params"))
    assert (told.vcpus, told.event_vector, told.verbose) == (2, 0xF1, False)
    told = decode_parameters(extract(converted(dom0, "--xen", "4.9.4", "--verbose-boot"), "params"))
    assert (told.vcpus, told.event_vector, told.verbose) == (2, None, True)


def test_a_vixen_is_started_by_the_boot_loader_itself(dom0: Dom0, assets: Path) -> None:
    assert assets.is_dir()
    (dom0.root / "xen-vixen").write_bytes(hypervisors.like_vixen())
    assert shimtool_cli("shims", "add", dom0.root / "xen-vixen").code == 0
    line = 'quiet dyndbg="file a.c +p" x=$HOME;{}'
    dom0.guest(more=f"root = '/dev/xvda2 ro'\nextra = '{line}'\n")
    iso = converted(dom0, "--shim", "vixen")
    assert extract(iso, "isolinux.cfg").decode().splitlines()[-1] == (
        "  APPEND xen-shim console=com1 com1=115200,8n1 maxcpus=1 mce=0"
        f" --- BOOT_IMAGE=linux root=/dev/xvda2 ro {line} --- ramdisk"
    )
    assert extract(iso, "ramdisk")[:6] == b"070701", "Linux skips an empty cpio archive"
    assert dom0.run("verify", dom0.out / "web01.cfg").code == 0
    dom0.guest(more='extra = "a  b"\n')
    assert "blanks in a row" in dom0.run("convert", "--shim", "vixen").err


def test_iso_is_bootable_and_padded(dom0: Dom0) -> None:
    dom0.guest()
    iso = converted(dom0)
    report = subprocess.run(
        ["xorriso", "-indev", iso, "-report_el_torito", "plain"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "/isolinux.bin" in report
    assert "boot-info-table" in report
    assert iso.read_bytes().endswith(bytes(300 * 1024))


def test_same_inputs_same_bytes(dom0: Dom0) -> None:
    dom0.guest()
    first = hashlib.sha256(converted(dom0).read_bytes()).digest()
    second = hashlib.sha256(converted(dom0, "--force").read_bytes()).digest()
    assert first == second


def test_outputs_are_root_only(dom0: Dom0) -> None:
    dom0.guest()
    converted(dom0)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in dom0.out.iterdir()}
    assert modes == {
        ".lock": 0o600,
        "shimtool.yaml": 0o600,
        "shimtool-dm": 0o700,
        "web01.cfg": 0o600,
        "web01.iso": 0o600,
    }


def test_an_unchanged_guest_is_skipped(dom0: Dom0) -> None:
    dom0.guest()
    before = version_of(converted(dom0))
    again = dom0.run("convert")
    assert "web01: unchanged" in again.out
    assert version_of(dom0.out / "web01.iso") == before


def test_an_edited_config_is_converted_again(dom0: Dom0) -> None:
    dom0.guest()
    converted(dom0)
    dom0.guest(more='extra = "quiet"\n')
    assert "web01: converted" in dom0.run("convert").out
    assert b"quiet" in extract(dom0.out / "web01.iso", "params")


def test_a_damaged_output_is_written_again(dom0: Dom0) -> None:
    dom0.guest()
    iso = converted(dom0)
    iso.write_bytes(b"")
    assert "web01: converted" in dom0.run("convert").out
    assert dom0.run("verify", iso).code == 0


def test_pvh_writes_the_shim_and_no_iso(dom0: Dom0) -> None:
    dom0.guest()
    assert dom0.run("convert", "--mode", "pvh", "--xen", "4.17").code == 0
    (shim,) = dom0.out.glob("xen-shim-*")
    assert shim.read_bytes() == debs.xen_shim().read_bytes()
    config = (dom0.out / "web01.cfg").read_text()
    assert f'pvshim_path = "/var/lib/xen/shimtool/{shim.name}"' in config
    assert not (dom0.out / "web01.iso").exists()


def test_json_is_one_document(dom0: Dom0) -> None:
    dom0.guest()
    dom0.config("bad.cfg", 'name = "bad"\nkernel = "/boot/gone"\n')
    result = dom0.run("convert", "--json")
    assert result.code == 1
    bad, good = json.loads(result.out)
    assert (bad["status"], bad["convertible"], bad["boot"]) == ("refused", False, "kernel")
    assert (good["status"], good["mode"], good["outputs"]) == (
        "converted",
        "hvm",
        ["web01.iso", "web01.cfg"],
    )


def test_verify_passes_what_convert_wrote(debian_dom0: Dom0) -> None:
    debian_dom0.guest()
    iso = converted(debian_dom0)
    for file in (iso, debian_dom0.out / "web01.cfg"):
        result = debian_dom0.run("verify", "--json", file)
        assert result.code == 0, result.err
        assert hashlib.sha256(debs.kernel().read_bytes()).hexdigest() in result.out


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("kernel", -9),
        ("ramdisk", -9),
        ("ramdisk", 9),
        ("xen-shim", 9999),
        ("isolinux.bin", -9),
        ("isolinux.cfg", -12),
    ],
)
def test_verify_finds_one_flipped_bit(dom0: Dom0, name: str, where: int) -> None:
    dom0.guest()
    iso = converted(dom0)
    data = bytearray(iso.read_bytes())
    content = extract(iso, name)
    data[data.index(content) + where % len(content)] ^= 1
    iso.write_bytes(data)
    result = dom0.run("verify", iso)
    assert result.code == 1
    assert name in result.err


def test_verify_finds_a_cut_off_iso(dom0: Dom0) -> None:
    dom0.guest()
    iso = converted(dom0)
    with iso.open("r+b") as file:
        file.truncate(iso.stat().st_size - 300 * 1024)
    result = dom0.run("verify", iso)
    assert result.code == 1
    assert "padding" in result.err


def test_plan_writes_nothing(dom0: Dom0) -> None:
    dom0.guest()
    result = dom0.run("plan")
    assert result.code == 0
    assert '+device_model_override = "/var/lib/xen/shimtool/shimtool-dm"' in result.out
    assert not list(dom0.out.iterdir())


def test_ctrl_c_exits_130_and_leaves_nothing(dom0: Dom0) -> None:
    dom0.guest()
    ramdisk = dom0.boot / "initrd-guest"
    os.truncate(ramdisk, 100 << 20)  # sparse: many reads, and no room taken
    interrupted = (
        *("env", "--default-signal=INT", "strace", "-f", "-o", "/dev/null", "-P", str(ramdisk)),
        *("-e", "inject=read,pread64:signal=INT:when=5"),
    )
    result = dom0.run("convert", through=interrupted)
    assert result.code == 130
    assert "Traceback" not in result.err
    assert set(dom0.written()) <= {"shimtool-dm"}


def test_qemu_runs_as_the_user_that_it_ran_as(dom0: Dom0) -> None:
    dom0.guest(more='device_model_user = "qemu"\ndm_restrict = 1\n')
    done = dom0.run("convert", "--mode", "hvm", "--xen", "4.17.7")
    assert done.code == 0, done
    lines = (dom0.out / "web01.cfg").read_text().splitlines()
    assert 'device_model_user = "qemu"' in lines
    assert "dm_restrict = 1" not in lines
    assert "dm_restrict= is not kept: QEMU then runs as root" in done.said


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_damaged_shim_is_said_once_and_given_to_nobody(
    dom0: Dom0, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: str
) -> None:
    shims = own_shims(tmp_path, monkeypatch)
    assert shimtool_cli("shims", "add", debs.xen_shim()).code == 0
    for name in ("one", "two", "three"):
        dom0.guest(name)
    (file,) = (each for each in shims.iterdir() if each.suffix != ".yaml")
    with file.open("r+b") as shim:
        shim.seek(-1, os.SEEK_END)
        shim.write(b"\x55")
    for command in (("scan",), ("plan",), ("convert", "--jobs", jobs)):
        result = dom0.run(*command)
        refused(result, "is not the file that was recorded", str(file))
        assert result.err.count("error: ") == 1
    assert dom0.written().keys() <= {"shimtool-dm"}
