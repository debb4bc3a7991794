"""Guests that stand are told by times and sizes alone; whatever changed is seen all the same."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.dom0 import EMPTY_CPIO, KERNEL, RAMDISK, Dom0
from tests.support.kernel_builder import small_kernel

PVH = ("--xen", "4.17.2")
HVM = ("--xen", "4.9.2")


@pytest.fixture(params=[PVH, HVM], ids=["pvh", "hvm"])
def words(request: pytest.FixtureRequest, dom0: Dom0) -> tuple[str, ...]:
    """Two guests that were converted, and whose records can tell that they stand."""
    dom0.guest("web01")
    dom0.guest("web02")
    time.sleep(0.1)  # else the configs may have been changed since, within a tick of the clock
    given: tuple[str, ...] = request.param
    assert dom0.run("convert", *given).code == 0
    assert all(each["basis"] for each in json.loads(report(dom0).read_bytes())["guests"])
    return given


def report(dom0: Dom0) -> Path:
    return dom0.out / "shimtool.yaml"


def read_files(dom0: Dom0, *words: str) -> list[str]:
    result = dom0.run("convert", *words, "--verbose")
    return [line for line in result.err.splitlines() if line.startswith("read: ")]


def test_nothing_of_theirs_is_opened(dom0: Dom0, words: tuple[str, ...]) -> None:
    before = report(dom0).read_bytes()
    shown = dom0.run("convert", *words)
    assert (shown.code, "2 unchanged" in shown.err) == (0, True)
    assert [line for line in read_files(dom0, *words) if "etc-xen" in line or "/web0" in line] == []
    assert report(dom0).read_bytes() == before


def test_what_is_printed_is_the_same(dom0: Dom0, words: tuple[str, ...]) -> None:
    quick, full = dom0.run("convert", *words), json.loads(dom0.run("convert", *words, "--json").out)
    assert [each["status"] for each in full] == ["unchanged", "unchanged"]
    for each in full:
        assert f"{each['name']}: unchanged ({each['mode']}, shim {each['shim']})" in quick.out
        assert all(f"/var/lib/xen/shimtool/{name}" in quick.out for name in each["outputs"])
        assert all(warning["message"] in quick.err for warning in each["warnings"])


def _edit(dom0: Dom0) -> None:
    dom0.guest("web01", "vcpus = 2\n")


def _edit_back_dated(dom0: Dom0) -> None:
    path = dom0.configs / "web01.cfg"
    status = path.stat()
    path.write_text(path.read_text().replace("512", "513"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def _other_kernel(dom0: Dom0) -> None:
    (dom0.boot / Path(KERNEL).name).write_bytes(small_kernel() + b"x")


def _kernel_behind_a_link(dom0: Dom0) -> None:
    path = dom0.boot / Path(KERNEL).name
    path.rename(path.with_name("vmlinuz-2"))
    path.symlink_to("vmlinuz-2")


def _other_ramdisk(dom0: Dom0) -> None:
    (dom0.boot / Path(RAMDISK).name).write_bytes(EMPTY_CPIO)


def _output_gone(dom0: Dom0) -> None:
    (dom0.out / "web01.cfg").unlink()


@pytest.mark.parametrize(
    "change",
    [_edit, _edit_back_dated, _other_kernel, _other_ramdisk, _output_gone],
    ids=lambda change: change.__name__,
)
def test_what_changed_is_made_anew(
    dom0: Dom0, words: tuple[str, ...], change: Callable[[Dom0], None]
) -> None:
    change(dom0)
    assert dom0.run("status").code == 1
    shown = dom0.run("convert", *words)
    assert "web01: converted" in shown.out
    assert dom0.run("status").code == 0


def test_a_file_that_is_found_elsewhere_is_looked_at(dom0: Dom0, words: tuple[str, ...]) -> None:
    _kernel_behind_a_link(dom0)
    assert any("web01.cfg" in line for line in read_files(dom0, *words))
    assert dom0.run("status").code == 0


def test_another_option_counts(dom0: Dom0, words: tuple[str, ...]) -> None:
    assert "2 converted" in dom0.run("convert", *words, "--shim-args", "pv-shim").err


def test_the_script_of_all_guests_is_mended(dom0: Dom0, words: tuple[str, ...]) -> None:
    script = dom0.out / "shimtool-dm"
    if words == HVM:
        script.write_text("edited")
        assert dom0.run("convert", *words).code == 0
        assert script.read_text() != "edited"


def test_a_new_guest_of_their_name_is_refused_and_they_too(
    dom0: Dom0, words: tuple[str, ...]
) -> None:
    dom0.config("copy.cfg", (dom0.configs / "web01.cfg").read_text())
    shown = dom0.run("convert", *words)
    assert (shown.code, shown.err.count("2 configs describe a guest of this name")) == (1, 2)
    assert "web02: unchanged" in shown.out


def test_a_config_changed_within_a_tick_before_is_read_again(dom0: Dom0) -> None:
    """What is changed twice within a tick has one ctime: such a config is not taken on trust."""
    configs = [dom0.guest(f"web{number:02}") for number in range(3)]
    assert dom0.run("convert", *PVH).code == 0
    records = json.loads(report(dom0).read_bytes())["guests"]
    for record, config in zip(records, configs, strict=True):
        young = record["basis"] is None
        assert young or config.stat().st_ctime_ns + 50_000_000 < report(dom0).stat().st_mtime_ns
    assert "3 unchanged" in dom0.run("convert", *PVH).err


def test_a_second_run_in_place_changes_nothing(dom0: Dom0) -> None:
    """Not the report either, though the first run changed the config while it ran."""
    dom0.guest("web01")
    told = []
    for _ in range(2):
        time.sleep(0.1)
        assert dom0.run("convert", "--in-place", *HVM).code == 0
        told.append(report(dom0).read_bytes())
    assert told[0] == told[1]
