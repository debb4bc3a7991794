"""Whatever xl accepts, planning ends with a verdict: a config xl reads too, or all reasons why not.

Configs are made of xl's own keys, with values that make sense and values that do not.
"""

from collections.abc import Mapping

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shimtool import text
from shimtool.commands.outcomes import Refused
from shimtool.commands.run import Run
from shimtool.dom0.keys import TABLE
from shimtool.errors import ShimtoolError
from shimtool.model import Mode
from tests.conftest import EXAMPLES
from tests.plan.support import BASE, VALUES
from tests.support.dom0 import Dom0
from tests.support.libxlu import reading
from tests.support.planning import outcome_of

_WORDS = st.sampled_from(
    [
        "phy:/dev/vg0/a,xvda,w", "file:/srv/a.img,sda1,r", "vdev=hdc,devtype=cdrom,target=", "a=b",
        "mac=00:16:3e:00:00:01,bridge=br0", "type=ioemu", "pv", "hvm", "pvh", "generic", "pygrub",
        "/boot/vmlinuz-guest", "/boot/gone", "all", "--entry=1", "root=/dev/xvda1 ro", "", " ",
        "../x",
    ]
)  # fmt: skip
_TEXT = _WORDS | st.text(st.characters(codec="utf-8", exclude_characters="'\n\r\0"), max_size=30)
_QUOTED = _TEXT.map(lambda text: f"'{text}'")
_NUMBER = st.integers(-(2**70), 2**70).map(str) | st.sampled_from(["0", "1", "0x40", "010"])
_LIST = st.lists(_QUOTED | st.lists(_QUOTED, max_size=2).map(lambda each: f"[{','.join(each)}]"))
_VALUE = _QUOTED | _NUMBER | _LIST.map(lambda items: f"[{','.join(items)}]")

KEYS = [key for row in TABLE for key in row.keys]
_USUAL = st.sampled_from([BASE, {}, {"name": "'p'", "memory": "64", "bootloader": "'pygrub'"}])
_SENSIBLE = st.dictionaries(st.sampled_from(sorted(VALUES)), st.none(), max_size=5).map(
    lambda chosen: {key: VALUES[key] for key in chosen}
)
_WILD = st.dictionaries(
    st.sampled_from(KEYS) | st.from_regex(r"\A[a-z_]{1,9}\Z"), _VALUE, max_size=4
)


@st.composite
def configs(draw: st.DrawFn) -> bytes:
    lines: Mapping[str, str] = draw(_USUAL) | draw(_SENSIBLE) | draw(_WILD)
    return "".join(f"{key} = {value}\n" for key, value in lines.items()).encode()


@settings(deadline=None, max_examples=EXAMPLES // 5)
@given(data=configs())
@pytest.mark.parametrize("mode", Mode)
def test_what_xl_accepts_gets_a_verdict(
    data: bytes, mode: Mode, dom0: Dom0, runs: dict[Mode, Run]
) -> None:
    with reading(data) as seen:
        assume(seen.accepted)
    outcome = outcome_of(dom0.config("guest.cfg", data), runs[mode])
    if isinstance(outcome, Refused):
        assert outcome.faults
        assert all(fault.message for fault in outcome.faults)
        assert "guest.cfg" in text.error(ShimtoolError(*outcome.faults))
        return
    with reading(outcome.new_config) as after:
        assert after.accepted
        key = "type" if mode is Mode.PVH else "builder"  # of Xen 4.9
        assert after.value(key) == mode.value.encode()
