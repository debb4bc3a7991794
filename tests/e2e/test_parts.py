"""The harness's own parts, against the real programs: no boot."""

import subprocess
from pathlib import Path

import pytest

from tests.e2e import apt, modules
from tests.e2e.guest_report import starts
from tests.e2e.guests import MODULES, Files
from tests.e2e.nested_xen import NestedXenError, tail
from tests.e2e.table import Row, lines, texts
from tests.support import cpio, debs


def test_cpio_reads_what_was_packed(tmp_path: Path) -> None:
    files = {"init": b"#!/bin/sh\n", "m/a.ko": b"abc", "m/deep/b": b""}
    packed = cpio.archive(files, frozenset({"init"}))
    busybox = debs.unpacked("busybox-static") / "bin/busybox"
    subprocess.run([busybox, "cpio", "-id"], input=packed, cwd=tmp_path, check=True)
    found = {str(p.relative_to(tmp_path)): p for p in tmp_path.rglob("*") if p.is_file()}
    assert {name: path.read_bytes() for name, path in found.items()} == files
    assert found["init"].stat().st_mode & 0o777 == 0o755
    assert found["m/a.ko"].stat().st_mode & 0o777 == 0o644


def test_modules_come_after_what_they_need() -> None:
    order = list(modules.pick(debs.unpacked(debs.kernel_package()), MODULES))
    assert order.index("mbcache.ko") < order.index("ext4.ko")
    assert order.index("jbd2.ko") < order.index("ext4.ko")
    assert "xen-blkfront.ko" in order or "xen_blkfront.ko" in order


def test_sources_of_another_suite_name_only_that_suite() -> None:
    own, other = apt.sources(apt.codename()), apt.sources("trixie")
    assert apt.codename() in own
    assert other == own.replace(apt.codename(), "trixie")


def test_facts_of_each_start() -> None:
    console = "boot\r\nE2E cmdline a b\r\nE2E boot 1\r\nE2E cmdline a b\nE2E token 12\n"
    first, second = starts(console)
    assert (first.one("boot"), first.ready) == ("1", False)
    assert (second.one("cmdline"), second.ready) == ("a b", True)
    with pytest.raises(AssertionError, match="0 times"):
        second.one("boot")


def test_failure_shows_the_end_of_every_log(tmp_path: Path) -> None:
    (tmp_path / "host.log").write_text("".join(f"line {i}\n" for i in range(100)))
    (tmp_path / "guest.log").write_text("")
    text = str(NestedXenError("no token", tmp_path))
    assert "no token" in text
    assert "line 99" in text
    assert "line 50" not in text
    assert tail(tmp_path / "guest.log").endswith("(empty)")


def test_table_says_result_seconds_and_retries() -> None:
    row = Row("4.17", "bundled", "hvm", "many_disks")
    row.seen(45.4)
    row.retried()
    silent = Row("4.17", "bundled", "pvh", "many_disks")
    table = lines([texts(row.cells, "passed"), texts(silent.cells, "failed")])
    assert table[2].split("|")[5:8] == [" passed ", " 45 s        ", " 1       "]
    assert table[3].split("|")[5:8] == [" failed ", " -           ", " 0       "]


def test_token_depends_on_ramdisk_and_disk(tmp_path: Path) -> None:
    one, other = Files(tmp_path / "a"), Files(tmp_path / "b")
    assert len({one.token(), one.token(root=True), other.token(), other.token(root=True)}) == 4
