"""Kinds of shims: what is written of each is sound, and what follows from it on each host."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from shimtool.dom0.detect import parse_version
from shimtool.errors import ShimtoolError
from shimtool.model import Host, Mode, Shim, ShimKind
from shimtool.shims.kinds import FILE, kinds, lists_phantom_cpus, loses_events, read_kinds, works_in

COMET = Shim("x", Path("/x"), 1, "0" * 64, None, "4.10.4", frozenset(Mode), "test")
NEWER = replace(COMET, version="4.17.7")
VIXEN = replace(COMET, version=None, modes=frozenset({Mode.HVM}), kind=ShimKind.VIXEN)


def host(xen: str) -> Host:
    return Host(parse_version(xen))


@pytest.mark.parametrize(
    ("xen", "expected"),
    [("4.6.6", True), ("4.7.4", True), ("4.7.5", False), ("4.9", None), ("4.10.0", True)],
)
def test_only_4_10_based_shims_hang(xen: str, expected: bool | None) -> None:
    assert loses_events(COMET, host(xen), Mode.HVM) is expected
    assert loses_events(COMET, host(xen), Mode.PVH) is False
    assert loses_events(VIXEN, host(xen), Mode.HVM) is False


@pytest.mark.parametrize("xen", ["4.6.6", "4.7.5", "4.7"])
def test_where_128_processors_are_listed_the_shim_must_obey_maxcpus(xen: str) -> None:
    assert not lists_phantom_cpus(COMET, host(xen), Mode.HVM)
    for version in ("4.17.7", "4.11.0", "4.1", None, "no version"):
        assert lists_phantom_cpus(replace(COMET, version=version), host(xen), Mode.HVM)
    assert not lists_phantom_cpus(NEWER, host(xen), Mode.PVH)
    assert not lists_phantom_cpus(VIXEN, host(xen), Mode.HVM)


@pytest.mark.parametrize("xen", ["4.8.3", "4.9.2", "4.17"])
def test_elsewhere_any_shim_will_do(xen: str) -> None:
    assert not lists_phantom_cpus(NEWER, host(xen), Mode.HVM)
    assert not lists_phantom_cpus(NEWER, Host(), Mode.HVM)


def test_which_kinds_work() -> None:
    both = (Mode.HVM, Mode.PVH)
    assert works_in(ShimKind.PVSHIM, host("4.17")) == both
    assert works_in(ShimKind.PVSHIM, host("4.10.0")) == ()
    assert works_in(ShimKind.VIXEN, host("4.17")) == (Mode.HVM,)
    assert works_in(ShimKind.VIXEN, replace(host("4.17"), hvm=False)) == ()


def test_each_kind_must_be_described_soundly(tmp_path: Path) -> None:
    rows = yaml.safe_load(FILE.read_text())
    assert {row["kind"] for row in rows} == set(ShimKind) == set(kinds())
    for broken in (
        rows[:1],
        [{**rows[0], "needs": "magic"}, rows[1]],
        [{**rows[0], "maxcpus": [4.10]}, rows[1]],
        [{**rows[0], "modes": []}, rows[1]],
        [{key: value for key, value in rows[0].items() if key != "needs-source"}, rows[1]],
    ):
        (tmp_path / "kinds.yaml").write_text(yaml.safe_dump(broken))
        with pytest.raises(ShimtoolError):
            read_kinds(tmp_path / "kinds.yaml")
