"""vif= entries."""

import pytest

from shimtool.configs.xl.vif import parse_vif, without_emulated_nic
from shimtool.errors import ShimtoolError
from shimtool.model import ConfigString, Vif
from tests.configs.xl.support import HERE


def vif(text: str) -> Vif:
    return parse_vif(ConfigString(text, 4), HERE)


def test_options_in_order() -> None:
    assert vif(
        " mac=00:16:3e:00:00:01 , ip=10.0.0.1 10.0.0.2,script=vif-route=x,,rate=1Mb/s"
    ) == Vif(
        " mac=00:16:3e:00:00:01 , ip=10.0.0.1 10.0.0.2,script=vif-route=x,,rate=1Mb/s",
        4,
        (
            ("mac", "00:16:3e:00:00:01"),
            ("ip", "10.0.0.1 10.0.0.2"),
            ("script", "vif-route=x"),
            ("rate", "1Mb/s"),
        ),
    )


def test_empty_entry_is_an_interface() -> None:
    assert vif("") == Vif("", 4, ())


def test_option_without_value() -> None:
    with pytest.raises(ShimtoolError) as caught:
        vif("bridge=a,ioemu")
    (fault,) = caught.value.faults
    assert "ioemu" in fault.message
    assert (str(fault.where), fault.seen) == ("guest.cfg:4", "bridge=a,ioemu")


@pytest.mark.parametrize(
    ("entry", "without"),
    [
        ("", "type=vif"),
        ("mac=a:b, bridge=c", "mac=a:b, bridge=c,type=vif"),
        ("type=ioemu,mac=a:b", "type=vif,mac=a:b"),
        ("mac=a:b, type=ioemu , model=e1000, bridge=c", "mac=a:b,type=vif, bridge=c"),
        ("type=vif,bridge=c", "type=vif,bridge=c"),
        ("type=vif,type=ioemu", "type=vif"),
        ("model=rtl8139", "type=vif"),
        ("bridge=c,,", "bridge=c,type=vif"),
    ],
)
def test_without_emulated_nic(entry: str, without: str) -> None:
    assert without_emulated_nic(vif(entry)) == without
