"""verify on what is not as convert left it, and a standard output that takes nothing."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shimtool.model import Block
from shimtool.output.iso_layout import SECTOR
from shimtool.output.parameter_file import StoredFile, decode_parameters, encode_parameters
from tests.support.cli import Result, refused
from tests.support.debs import ROOT
from tests.support.dom0 import Dom0
from tests.support.outputs import converted, extract


def swap(iso: Path, name: str, changed: bytes) -> None:
    """Change a file in the ISO, and its hash in the ISO's list, as a forger would."""
    content = extract(iso, name)
    document = json.loads(extract(iso, "shimtool.json"))
    assert len(changed) == len(content) and changed != content
    data = iso.read_bytes().replace(content, changed)
    before = document["files"][name]["sha256"].encode()
    iso.write_bytes(data.replace(before, sha256(changed)))


def sha256(data: bytes) -> bytes:
    done = subprocess.run(["sha256sum"], input=data, capture_output=True, check=True)
    return done.stdout.split()[0]


def test_a_changed_loader_config_is_found(dom0: Dom0) -> None:
    dom0.guest()
    iso = converted(dom0)
    swap(iso, "isolinux.cfg", extract(iso, "isolinux.cfg").replace(b"prestage", b"xen-shim"))
    refused(dom0.run("verify", iso), "isolinux.cfg", "APPEND xen-shim --- xen-shim", "--force")


@pytest.mark.parametrize(
    ("field", "value", "seen"),
    [
        ("guest_line", b"root=/dev/xvda9 rw", "root=/dev/xvda9 rw"),
        ("shim_line", b"pv-shim console=xen,on", "pv-shim console=xen,on"),
        ("vcpus", 9, "9"),
        ("event_vector", 0x99, "153"),
        ("verbose", True, "True"),
        ("kernel", StoredFile(5), "5 bytes"),
        ("ramdisk", StoredFile(5, guarded=True), "5 bytes behind a guard"),
    ],
)
def test_a_changed_parameter_is_found(dom0: Dom0, field: str, value: object, seen: str) -> None:
    dom0.guest(more='root = "/dev/xvda2 ro"\n')
    iso = converted(dom0)
    told = decode_parameters(extract(iso, "params"))
    swap(iso, "params", encode_parameters(replace(told, **dict[str, Any]({field: value}))))
    what = f"params in the ISO was changed: another {field.replace('_', ' ')}"
    refused(dom0.run("verify", iso), what, f"seen: {seen}", "--force")


def test_a_changed_block_is_found(debian_dom0: Dom0) -> None:
    debian_dom0.guest(more="memory = 256\n")
    iso = converted(debian_dom0, "--xen", "4.17.7", "--mode", "hvm")
    assert "a block of 128 MB made free" in debian_dom0.run("verify", iso).out
    told = decode_parameters(extract(iso, "params"))
    swap(iso, "params", encode_parameters(replace(told, block=Block(8 << 20, 9 << 20))))
    what = "params in the ISO was changed: another block"
    refused(debian_dom0.run("verify", iso), what, "seen: 8 MB, unless there are 9", "--force")


def test_a_damaged_parameter_file_is_found(dom0: Dom0) -> None:
    dom0.guest(more='root = "/dev/xvda2 ro"\n')
    iso = converted(dom0)
    swap(iso, "params", extract(iso, "params").replace(b"xvda2", b"xvda9"))
    refused(dom0.run("verify", iso), "params in the ISO is damaged", "checksum is wrong")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("\nvcpus = 2", "\nvcpus = 1", ("another vCPUs", "seen: 2")),
        ('#shimtool# root = "/dev/xvda2 ro"', '#shimtool# root = "/dev/xvda3 ro"',
         ("another command line", "root=/dev/xvda2 ro")),
    ],
)  # fmt: skip
def test_an_iso_that_says_other_than_its_config(
    dom0: Dom0, old: str, new: str, words: tuple[str, ...]
) -> None:
    dom0.guest(more='root = "/dev/xvda2 ro"\nvcpus = 2\nmaxvcpus = 4\n')
    converted(dom0)
    config = dom0.out / "web01.cfg"
    assert dom0.run("verify", config).code == 0
    text = config.read_text()
    assert text.count(old) == 1
    config.write_text(text.replace(old, new))
    refused(dom0.run("verify", config), *words)


def test_another_guests_iso_is_found(dom0: Dom0) -> None:
    dom0.guest("web01")
    dom0.guest("web02", 'extra = "quiet"\n')
    converted(dom0)
    shutil.copy(dom0.out / "web02.iso", dom0.out / "web01.iso")
    assert dom0.run("verify", dom0.out / "web01.iso").code == 0, "sound by itself"
    refused(dom0.run("verify", dom0.out / "web01.cfg"), "web01.iso", "web02", "another guest")
    assert dom0.run("verify", dom0.out / "web02.cfg").code == 0


def test_an_unlisted_ramdisk_is_found(dom0: Dom0) -> None:
    dom0.guest()
    iso = converted(dom0)
    data = iso.read_bytes()
    iso.write_bytes(data.replace(b'\n  "ramdisk": {', b'\n  "RAMDISK": {'))
    refused(dom0.run("verify", iso), "does not list", "ramdisk")


@pytest.mark.parametrize(
    "forged",
    [
        (b'"skip": 4096', b'"skip": NaN'),
        (b'"skip": 4096', b'"skip":-4096'),
        (b'"skip": 4096', b'"skip": 1e99'),
        (b'"skip": 4096', b'"skip": [0]'),
        (b'  "ramdisk": {', b'  "\\udcffa": {'),
        (b'"guest": "web01"', b'"guest": 1234567'),
        (b'"files": {', b'"filez": {'),
    ],
)
def test_a_forged_list_is_no_traceback(dom0: Dom0, forged: tuple[bytes, bytes]) -> None:
    dom0.guest()
    iso = converted(dom0)
    data = iso.read_bytes()
    assert data.count(forged[0]) == 1
    iso.write_bytes(data.replace(*forged))
    refused(dom0.run("verify", iso), "web01.iso", "--force")


def test_a_huge_folder_takes_no_memory(dom0: Dom0) -> None:
    """A root folder that says it has 3 GiB, in an ISO that has them, too (sparse)."""
    dom0.guest()
    iso = converted(dom0)
    size = 3 << 30
    with iso.open("r+b") as file:
        file.seek(16 * SECTOR + 156 + 10)
        file.write(size.to_bytes(4, "little") + size.to_bytes(4, "big"))
        file.truncate(size + (1 << 30))
    limited = ("prlimit", f"--as={1 << 30}")
    refused(dom0.run("verify", iso, through=limited), "not a readable ISO", "too large")


@pytest.mark.parametrize("kind", ["fifo", "device", "folder", "missing", "empty"])
def test_what_is_no_regular_file(dom0: Dom0, kind: str) -> None:
    path = dom0.root / "thing"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "empty":
            path.touch()
    refused(dom0.run("verify", path), "thing")


def test_a_fifo_in_place_of_the_iso(dom0: Dom0) -> None:
    dom0.guest()
    converted(dom0).unlink()
    os.mkfifo(dom0.out / "web01.iso")
    refused(dom0.run("verify", dom0.out / "web01.cfg"), "boot ISO")


def test_paths_that_lead_out_are_not_followed(dom0: Dom0) -> None:
    dom0.guest()
    converted(dom0)
    config = dom0.out / "web01.cfg"
    text = config.read_text().replace("shimtool/web01.iso", "shimtool/../out/web01.iso")
    config.write_text(text)
    refused(dom0.run("verify", config), "is not in /var/lib/xen/shimtool")


def test_a_config_whose_path_is_no_utf8(dom0: Dom0) -> None:
    dom0.guest("web01")
    odd = os.fsdecode(b"caf\xe9.cfg")
    (dom0.configs / "web01.cfg").rename(dom0.configs / odd)
    assert "web01: converted" in dom0.run("convert").out
    assert "web01: unchanged" in dom0.run("convert").out, "the report was written and read"


@pytest.mark.parametrize("text", ["", "guests: 5\n", "guests: [{name: 5}]\nkernels: {}\n"])
def test_a_damaged_report_is_said(dom0: Dom0, text: str) -> None:
    dom0.guest()
    (dom0.out / "shimtool.yaml").write_text(text)
    refused(dom0.run("convert"), "the report is damaged", "shimtool.yaml")


@pytest.mark.parametrize("change", ["folder", "gone", "closed"])
def test_a_part_that_is_no_file(dom0: Dom0, tmp_path: Path, change: str) -> None:
    dom0.guest()
    shutil.copytree(ROOT / "build" / "assets", tmp_path / "assets", symlinks=True)
    part = tmp_path / "assets" / "boot" / "mboot.c32"
    part.unlink()
    if change == "folder":
        part.mkdir()
    elif change == "closed":
        part.write_bytes(b"x")
        part.chmod(0)
    through = (
        "env", f"SHIMTOOL_ASSETS={tmp_path / 'assets'}",
        "setpriv", "--bounding-set=-dac_override,-dac_read_search",
    )  # fmt: skip
    refused(dom0.run("convert", through=through), "mboot.c32", "make assets")


def piped(dom0: Dom0, shell: str, *words: str) -> Result:
    """Run convert inside a line of bash, its stdout as that line has it."""
    argv = [sys.executable, "-m", "shimtool", "convert", "--in", str(dom0.configs)]
    argv += ["--map", f"/boot={dom0.boot}", "--out", str(dom0.out), *words]
    done = subprocess.run(
        ["bash", "-c", shell, "bash", *argv],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("shell", "words"),
    [
        ('"$@" > /dev/full', ("No space left", "printed")),
        ('"$@" >&-', ("Bad file descriptor", "printed")),
        ('exec > >(true); wait $!; "$@"', ()),  # nobody reads any more
        ('set -o pipefail; "$@" | head -1', ()),
    ],
)
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_output_that_takes_nothing_stops_no_work(
    dom0: Dom0, shell: str, words: tuple[str, ...], more: tuple[str, ...]
) -> None:
    for name in ("web01", "web02", "web03"):
        dom0.guest(name)
    result = piped(dom0, shell, *more)
    if "head" not in shell:  # which may read all there is before it ends
        assert result.code == 1, result
    assert "Traceback" not in result.err
    assert "Exception" not in result.err
    for word in words:
        assert word in result.err
    assert {f"web0{n}.iso" for n in (1, 2, 3)} <= set(dom0.written())
    assert (dom0.out / "shimtool.yaml").stat().st_size


def test_messages_that_cannot_be_written_stop_no_work(dom0: Dom0) -> None:
    dom0.guest("web01")
    dom0.config("bad.cfg", 'name = "bad"\nkernel = "/boot/gone"\n')
    assert piped(dom0, '"$@" 2> /dev/full').code == 1
    assert "web01.iso" in dom0.written()
