"""Versions of dom0's Xen, and what follows from them."""

import json
from pathlib import Path

import pytest

from shimtool.dom0 import facts
from shimtool.dom0.detect import detect, parse_version
from shimtool.dom0.releases import Fact
from shimtool.errors import ShimtoolError
from shimtool.model import Host, Mode
from tests.support.cli import shimtool_cli
from tests.support.hypervisors import sys_of


def known(text: str) -> Host:
    return Host(parse_version(text))


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("4.9", (4, 9, None)),
        ("4.9.2", (4, 9, 2)),
        ("4.17.7", (4, 17, 7)),
        ("4.17.7-pre", (4, 17, 7)),
        ("4.18-rc", (4, 18, None)),
        (" 4.6.6\n", (4, 6, 6)),
    ],
)
def test_versions_are_read(text: str, version: tuple[int, int, int | None]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "4", "xen", "4.", "4.9.2.1", "-4.9", "99999.1"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ShimtoolError):
        parse_version(text)


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("4.4", False), ("4.6.6", False), ("4.7.4", False), ("4.7.5", True), ("4.8.2", False),
        ("4.8.3", True), ("4.9.1", False), ("4.9.2", True), ("4.9", None), ("4.10.0", False),
        ("4.10.1", True), ("4.11", True), ("4.17.7", True),
    ],
)  # fmt: skip
def test_hosts_on_which_the_shim_hangs(text: str, fixed: bool | None) -> None:
    assert facts.has(known(text), Fact.UPCALL_FIX) is fixed


@pytest.mark.parametrize(
    ("text", "mode"), [("4.9.2", Mode.HVM), ("4.10", Mode.HVM), ("4.10.0", Mode.HVM),
                       ("4.10.1", Mode.PVH), ("4.11", Mode.PVH), ("4.21", Mode.PVH)],
)  # fmt: skip
def test_auto_mode(text: str, mode: Mode) -> None:
    assert facts.auto_mode(known(text)) is mode


def test_unknown_host_is_treated_as_4_6() -> None:
    assert facts.auto_mode(Host()) is Mode.HVM


def test_detect_reads_what_a_hypervisor_shows(tmp_path: Path) -> None:
    """The files as dom0 of Xen 4.17 has them, in containers too."""
    (tmp_path / "version").mkdir()
    (tmp_path / "properties").mkdir()
    for name, text in {"major": "4\n", "minor": "17\n", "extra": ".7-pre\n"}.items():
        (tmp_path / "version" / name).write_text(text)
    capabilities = tmp_path / "properties" / "capabilities"
    capabilities.write_text("xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_64 \n")
    assert detect(tmp_path) == Host((4, 17, 7), True, str(tmp_path))
    capabilities.write_text("xen-3.0-x86_64 xen-3.0-x86_32p \n")
    assert detect(tmp_path).hvm is False


@pytest.mark.parametrize(
    ("major", "minor", "extra"),
    [
        ("four", "17", ""),
        ("4", "17", ".7.1"),
        ("4", "?", ".1"),
        ("4", "12345", ""),
        ("4", "17", "."),
    ],
)
def test_a_version_that_cannot_be_read_is_unknown(
    tmp_path: Path, major: str, minor: str, extra: str
) -> None:
    (tmp_path / "version").mkdir()
    (tmp_path / "properties").mkdir()
    for name, text in {"major": major, "minor": minor, "extra": extra}.items():
        (tmp_path / "version" / name).write_text(text)
    (tmp_path / "properties" / "capabilities").write_text("hvm-3.0-x86_64")
    found = detect(tmp_path)
    assert (found.xen, found.hvm) == (None, True)
    assert f"{major}.{minor}{extra}" in found.source


@pytest.mark.parametrize(
    ("words", "xen", "source"),
    [((), None, "'odd.odd'"), (("--xen", "4.9.2"), "4.9.2", "--xen 4.9.2")],
)
def test_xen_wins_over_a_version_that_cannot_be_read(
    tmp_path: Path, words: tuple[str, ...], xen: str | None, source: str
) -> None:
    """In a mount namespace of its own, where /sys shows such a hypervisor."""
    through = sys_of(tmp_path, {"version/major": "odd", "version/minor": "odd"})
    result = shimtool_cli("host", "--json", *words, through=through)
    assert result.code == 0, result.err
    facts = json.loads(result.out)
    assert facts["xen"] == xen
    assert source in facts["source"]


def test_the_mode_asked_for_wins() -> None:
    assert facts.chosen_mode(known("4.17"), Mode.HVM) is Mode.HVM
    assert facts.chosen_mode(known("4.17"), None) is Mode.PVH


def test_detect_without_xen(tmp_path: Path) -> None:
    assert detect(tmp_path).xen is None
