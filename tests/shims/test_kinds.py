"""Kinds of shims: what is written of each is sound, and what follows from it on each host."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from shimtool.dom0.detect import parse_version
from shimtool.errors import ShimtoolError
from shimtool.model import Host, Mode, Shim, ShimKind
from shimtool.shims.kinds import FILE, event_vector, kinds, loses_events, read_kinds, works_in

COMET = Shim("x", Path("/x"), 1, "0" * 64, None, "4.10.4", frozenset(Mode), "test")
NEWER = replace(COMET, version="4.17.7")
VIXEN = replace(COMET, version=None, modes=frozenset({Mode.HVM}), kind=ShimKind.VIXEN)


def host(xen: str) -> Host:
    return Host(parse_version(xen))


@pytest.mark.parametrize(
    ("xen", "expected"),
    [("4.6.6", True), ("4.7.4", True), ("4.7.5", False), ("4.9", None), ("4.10.0", True)],
)
def test_shims_whose_event_vector_is_not_known_hang(xen: str, expected: bool | None) -> None:
    for version in ("4.99.0", "4.1", None, "no version"):
        unknown = replace(COMET, version=version)
        assert loses_events(unknown, host(xen), Mode.HVM) is expected
        assert event_vector(unknown, host(xen), Mode.HVM) is None
        assert loses_events(unknown, host(xen), Mode.PVH) is False
    assert loses_events(VIXEN, host(xen), Mode.HVM) is False


@pytest.mark.parametrize("shim", [COMET, NEWER])
def test_an_event_vector_is_set_only_where_it_is_needed(shim: Shim) -> None:
    assert event_vector(shim, host("4.6.6"), Mode.HVM) == 0xF1
    assert event_vector(shim, host("4.9"), Mode.HVM) == 0xF1, "some of its releases need it"
    assert event_vector(shim, Host(), Mode.HVM) == 0xF1
    assert event_vector(shim, host("4.9.2"), Mode.HVM) is None
    assert event_vector(shim, host("4.9"), Mode.PVH) is None
    assert loses_events(shim, host("4.6.6"), Mode.HVM) is False


def test_which_kinds_work() -> None:
    both = (Mode.HVM, Mode.PVH)
    assert works_in(ShimKind.PVSHIM, host("4.17")) == both
    assert works_in(ShimKind.PVSHIM, host("4.10.0")) == (Mode.HVM,)
    assert works_in(ShimKind.VIXEN, host("4.17")) == (Mode.HVM,)
    assert works_in(ShimKind.VIXEN, replace(host("4.17"), hvm=False)) == ()


def test_each_kind_must_be_described_soundly(tmp_path: Path) -> None:
    rows = yaml.safe_load(FILE.read_text())
    assert {row["kind"] for row in rows} == set(ShimKind) == set(kinds())
    for broken in (
        rows[:1],
        [{**rows[0], "needs": "magic"}, rows[1]],
        [{**rows[0], "event-vectors": {"4.10": 0x100}}, rows[1]],
        [{**rows[0], "event-vectors": {4.1: 0xF1}}, rows[1]],
        [{**rows[0], "modes": []}, rows[1]],
        [{key: value for key, value in rows[0].items() if key != "needs-source"}, rows[1]],
    ):
        (tmp_path / "kinds.yaml").write_text(yaml.safe_dump(broken))
        with pytest.raises(ShimtoolError):
            read_kinds(tmp_path / "kinds.yaml")
