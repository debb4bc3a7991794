"""vif= entries."""

import pytest

from shimtool.configs.xl.vif import parse_vif, without_emulated_nic
from shimtool.model import ConfigString, Vif


def vif(text: str) -> Vif:
    return parse_vif(ConfigString(text, 4))


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


@pytest.mark.parametrize("entry", ["xenif", "bridge", " x , y", "ioemu,bridge=a", "bridge=a,ioemu"])
def test_a_word_without_value_says_nothing(entry: str) -> None:
    assert vif(entry).options == ((("bridge", "a"),) if "=" in entry else ())


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
        ("xenif", "type=vif"),
        ("bridge=c,foo", "bridge=c,type=vif"),
        ("foo, bridge=c,type,model", " bridge=c,type=vif"),
    ],
)
def test_without_emulated_nic(entry: str, without: str) -> None:
    assert without_emulated_nic(vif(entry)) == without
