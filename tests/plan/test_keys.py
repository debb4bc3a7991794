"""The table of keys: complete, true of what planning does, and what the manual shows."""

import re

import pytest

from shimtool.commands.outcomes import Planned, Refused
from shimtool.commands.run import Run
from shimtool.dom0.keys import TABLE, Fate, Row
from shimtool.dom0.releases import releases
from shimtool.model import XL, Mode
from tests.plan.support import BASE, VALUES
from tests.support.dom0 import Dom0
from tests.support.libxlu import reading
from tests.support.pages import PAGES
from tests.support.planning import outcome_of

PAGE = PAGES["keys"]
PLACE = re.compile(r"(<!-- keys:.*?-->\n).*?(<!-- end of keys -->\n)", re.DOTALL)


def test_every_key_of_every_xl_has_one_fate() -> None:
    keys = [key for row in TABLE for key in row.keys]
    assert sorted(keys) == sorted(frozenset[str]().union(*(p.keys for p in releases())))


def test_what_is_said_is_there_where_it_is_needed() -> None:
    for row in TABLE:
        spoken = {Fate.UNTRIED, Fate.DROPPED, Fate.REFUSED} & {row.hvm, row.pvh}
        assert bool(row.message) == bool(spoken) or row.hvm is Fate.REPLACED, row
        assert row.why


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.keys[0])
def test_planning_does_what_the_table_says(
    row: Row, mode: Mode, dom0: Dom0, runs: dict[Mode, Run]
) -> None:
    for key in row.keys:
        lines = BASE | {key: VALUES.get(key, "1")}
        if key == "bootloader":
            del lines["kernel"]  # else it is a path inside the guest's disk
        text = "".join(f"{name} = {value}\n" for name, value in lines.items())
        outcome = outcome_of(dom0.config("guest.cfg", text), runs[mode])
        check(key, row, mode, text.encode(), outcome)


def check(key: str, row: Row, mode: Mode, old: bytes, outcome: Planned | Refused) -> None:
    fate = row.fate(mode)
    if fate is Fate.REFUSED:
        assert isinstance(outcome, Refused), outcome
        assert [(each.message, each.seen) for each in outcome.faults] == [(row.said(XL), key)]
        return
    assert isinstance(outcome, Planned), outcome
    settings = dict(outcome.plan.edits.settings)
    warnings = [each.text for each in outcome.plan.warnings]
    said = [text for text in warnings if text.startswith(f"{key}= ")]
    new = outcome.new_config
    with reading(old) as before, reading(new) as after:
        was, now = before.value(key), after.value(key)
    assert was is not None
    match fate:
        case Fate.KEPT | Fate.NO_EFFECT | Fate.UNTRIED:
            assert now == was
            assert key not in settings
        case Fate.RETIRED | Fate.DROPPED:
            assert (now, key in settings) == (None, False)
        case Fate.PINNED:
            pinned = {"maxmem": "memory", "maxvcpus": "vcpus"}[key]
            assert now == str(settings.get(pinned, BASE[pinned])).encode()
        case Fate.ADAPTED:
            assert key in settings
            assert now != was
        case Fate.REPLACED:
            assert f"#shimtool# {key} = ".encode() in new
            assert (now is not None) == (key in settings)
    spoken = row.message and fate in (Fate.UNTRIED, Fate.DROPPED, Fate.REPLACED)
    assert said == ([f"{key}= {row.said(XL)}"] if spoken else [])


# --- the manual ---------------------------------------------------------------------------------


def table() -> str:
    """Return the table as the manual has it."""
    lines = ["| keys | in HVM mode | in PVH mode | why |", "|-------------|----|----|--------|"]
    for row in merged():
        keys = " ".join(f"`{key}`" for key in row.keys)
        pvh = "the same" if row.pvh is row.hvm else row.pvh
        lines.append(f"| {keys} | {row.hvm} | {pvh} | {row.why} |")
    return "\n".join(lines) + "\n"


def merged() -> list[Row]:
    """Put rows that differ in their words only into one."""
    found: dict[tuple[Fate, Fate, str], Row] = {}
    for row in TABLE:
        place = (row.hvm, row.pvh, row.why)
        keys = (*found[place].keys, *row.keys) if place in found else row.keys
        found[place] = Row(keys, *place)
    return list(found.values())


def test_the_manual_shows_the_table(request: pytest.FixtureRequest) -> None:
    text = PAGE.read_text()
    fresh = PLACE.sub(lambda found: found[1] + table() + found[2], text)
    assert PLACE.search(text), "no place for the table of keys"
    if request.config.getoption("--regenerate") and fresh != text:
        PAGE.write_text(fresh)
        text = fresh
    assert text == fresh, "run pytest tests/plan/test_keys.py --regenerate"
