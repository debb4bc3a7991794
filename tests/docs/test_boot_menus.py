"""What the manual says of PV GRUB's search, against the script that searches."""

import re

from tests.support.debs import ROOT
from tests.support.pages import PAGES

PAGE = " ".join(PAGES["how-it-works"].read_text().split())
SCRIPT = (ROOT / "container/pvgrub/grub.cfg").read_text()


def function(name: str) -> str:
    found = re.search(rf"^function {name} \{{\n(.*?)^\}}", SCRIPT, re.M | re.S)
    assert found, name
    return found[1]


def test_menus_are_read_in_the_order_told() -> None:
    items = re.findall(r"\d\. (`.*?)(?= \d\. | Boot loader entries)", PAGE)
    readers = re.findall(r"^ +(grub2|syslinux|legacy) ", function("look"), re.M)
    assert len(items) == len(readers) == 3
    for item, reader in zip(items, readers, strict=True):
        body = function(reader)
        places = [body.find(f"/{name}") for name in re.findall(r"`([a-z.]+)`", item)]
        assert places == sorted(places), item
        assert -1 not in places, item
        for folder in re.findall(r"/[a-z/]+\d?", item):
            assert f"{folder}/" in body or f"{folder} " in body or f"{folder};" in body, folder


def test_lvm_and_raid_come_last_but_one() -> None:
    """Behind every disk, and before what is no disk of the guest's; then BLS."""
    loops = [SCRIPT.index(text) for text in ("in $asked_disks", "^.(lvm|md)", "blscfg\nfi")]
    assert loops == sorted(loops)


def test_features_of_ext4_that_grub_does_not_read() -> None:
    """Those that the warning names, too."""
    told = re.search(r"on an ext4 with (.*?)\), is", PAGE)
    warning = (ROOT / "shimtool/plan/pvgrub.py").read_text()
    assert told
    assert told[1] in re.sub(r'"\s+f?" ?', " ", warning)
