"""disk= entries against libxlu's own disk parser, read back as libxl's JSON."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shimtool.configs.xl.disk import as_cdrom, parse_disk
from shimtool.configs.xl.vdev import known_vdev, vdev_index
from shimtool.errors import ShimtoolError
from shimtool.model import ConfigString, Disk
from tests.configs.xl.support import DATA, HERE
from tests.conftest import EXAMPLES
from tests.support import libxlu
from tests.support.config_strategies import Choices

# One a line, \t for a tab, \n for a newline.
ENTRIES = [
    line.replace("\\t", "\t").replace("\\n", "\n")
    for line in (DATA / "disk-entries.txt").read_text().split("\n")
]
# No newlines here: one right after a stray = makes libxlu end the whole process.
# fmt: off
PIECES = [
    "/a", ",/a,", "vdev=", "xvda", "vdev=xvda,", ",", ",", "raw", "raw,", "qcow2", "xvdb",
    "0x1,", "6:cdrom,", "012",
    "xvdb,", "hdc:cdrom", "hda:disk,", "r", "w,", "ro,", "phy:", "file:", "tap:", "aio:", "qcow:",
    "iscsi:", "x:", "devtype=cdrom", "devtype=disk,", "devtype=", "cdrom,", "target=",
    "target=/b,", "access=r", "access=", "format=vhd,", "format=", "script=s,", "backend=",
    "discard,", "direct-io-safe", "backendtype=phy,", "backendtype=qdisk", "backend=d,", ":", "=",
    "==", "a=b", " ", "\t", " ,", "ü", "\udcff",
]
# fmt: on


def found(entry: str) -> Disk | None:
    try:
        return parse_disk(ConfigString(entry, 7), HERE)
    except ShimtoolError as error:
        assert str(error.faults[0].where) == "guest.cfg:7"
        return None


def check(entry: str) -> None:
    ours, theirs = found(entry), libxlu.disk(entry.encode(errors="surrogateescape"))
    if ours is None:
        assert theirs is None or not known_vdev(str(theirs["vdev"])), theirs
        return
    assert theirs
    assert ours.text == entry
    assert (ours.target, ours.vdev) == (theirs.get("pdev_path", ""), theirs["vdev"])
    assert (ours.format, ours.cdrom) == (theirs["format"], theirs.get("is_cdrom", 0))
    assert ours.readonly == (not theirs.get("readwrite", 0))
    assert (ours.backend or "unknown") == theirs.get("backend", "unknown")
    assert (ours.backend_domain, ours.script) == (
        theirs.get("backend_domname", ""),
        theirs.get("script", ""),
    )
    assert ours.virtio == (theirs.get("specification") == "virtio")
    marked = libxlu.disk(as_cdrom(ours).encode(errors="surrogateescape"))
    expected = {**theirs, "is_cdrom": 1, "removable": 1}
    expected.pop("readwrite", None)
    if ours.backend:
        expected["backend"] = "qdisk"
    if not ours.target:
        expected["format"] = "empty"
    assert marked == expected


@pytest.mark.parametrize("entry", ENTRIES)
def test_entry(entry: str) -> None:
    check(entry)


def made_up(drawn: bytes) -> str:
    choices = Choices(drawn)
    return "".join(choices.several(9, lambda: choices.of(PIECES)))


def changed(drawn: bytes) -> str:
    choices = Choices(drawn)
    entry = choices.of([entry for entry in ENTRIES if "\n" not in entry])
    at = choices.place(len(entry))
    return entry[:at] + choices.of(PIECES) + entry[at + choices.number(3) :]


@settings(max_examples=EXAMPLES // 5, deadline=None)
@given(st.binary(max_size=10).map(made_up) | st.binary(max_size=5).map(changed))
def test_made_up_entry(entry: str) -> None:
    check(entry)


@pytest.mark.parametrize("word", ["trusted", "untrusted", "grant_usage=1", "grant_usage=0"])
def test_words_of_later_releases(word: str) -> None:
    assert found(f"/a,raw,xvda,w,{word}") == Disk(f"/a,raw,xvda,w,{word}", 7, "/a", "xvda")


@pytest.mark.parametrize(
    ("entry", "marked"),
    [
        ("phy:/dev/vg/a,xvda2,r", "devtype=cdrom,phy:/dev/vg/a,xvda2,r"),
        ("vdev=xvda,access=ro,target=/a,b", "devtype=cdrom,vdev=xvda,access=ro,target=/a,b"),
        ("file:/a,hda:disk,r", "file:/a,hda:cdrom,r"),
        ("vdev=hda,devtype=disk,access=r,target=/a", "vdev=hda,devtype=cdrom,access=r,target=/a"),
        ("/a,raw,hdc:cdrom,r", "/a,raw,hdc:cdrom,r"),
        ("/a,raw,xvda,r,backendtype=phy", "devtype=cdrom,/a,raw,xvda,r,backendtype=qdisk"),
        ("backendtype=tap,/a,vhd,hda:disk,r", "backendtype=qdisk,/a,vhd,hda:cdrom,r"),
        ("/a,raw,hdc,cdrom,backendtype=phy", "/a,raw,hdc,cdrom,backendtype=qdisk"),
    ],
)
def test_as_cdrom(entry: str, marked: str) -> None:
    disk = found(entry)
    assert disk
    assert as_cdrom(disk) == marked


def test_as_cdrom_of_a_disk_that_xl_cannot_read() -> None:
    disk = found("/a,raw,xvda,r")
    assert disk
    with pytest.raises(ShimtoolError, match="cannot read this disk entry"):
        as_cdrom(replace(disk, text="/a=,raw"))


def test_endless_entry() -> None:
    assert found("raw:" * 100_000) is None
    assert found("a" * 100_000 + ",raw,xvda,w") is None


@pytest.mark.parametrize(
    ("vdev", "index"),
    [
        ("xvda", ("xvd", 0, 0)),
        ("xvda2", ("xvd", 0, 2)),
        ("xvdz", ("xvd", 25, 0)),
        ("xvdaa", ("xvd", 26, 0)),
        ("xvdba1", ("xvd", 52, 1)),
        ("xvdzz255", ("xvd", 701, 255)),
        ("xvdaaa", ("xvd", 702, 0)),
        ("hda", ("hd", 0, 0)),
        ("hdd63", ("hd", 3, 63)),
        ("sda1", ("sd", 0, 1)),
        ("sdp15", ("sd", 15, 15)),
        ("d0", None),
        ("d0p0", ("xvd", 0, 0)),
        ("d26p3", ("xvd", 26, 3)),
        ("d0x10p1", ("xvd", 16, 1)),
        ("hde", None),
        ("hda64", None),
        ("sdq", None),
        ("sda16", None),
        ("xvda01", None),
        ("xvda256", None),
        ("xvdzzzzz", None),
        ("xvd", None),
        ("xvdA", None),
        ("vda", None),
        ("", None),
        ("-1", None),
        ("d-1p0", None),
    ],
)
def test_vdev_index(vdev: str, index: tuple[str, int, int] | None) -> None:
    assert vdev_index(vdev) == index
    assert known_vdev(vdev) == (index is not None)


NUMBERS = ["0", "1", "6", "8", "0x1", "0x01", "012", "0xca12", "0145000", "51712", "2147483647"]
NO_NUMBERS = ["08", "0x", "1x", "-1", "2147483648", "0x80000000", "1.0", "9" * 30]


@pytest.mark.parametrize("vdev", NUMBERS)
def test_a_number_is_a_device_of_which_nothing_is_known(vdev: str) -> None:
    for entry in (f"phy:/dev/x,{vdev},w", f"/a,raw,{vdev}:cdrom,r", f"vdev={vdev},target=/a"):
        check(entry)
        disk = found(entry)
        assert disk
        assert disk.vdev == vdev
    assert vdev_index(vdev) is None


@pytest.mark.parametrize("vdev", NO_NUMBERS)
def test_other_numbers_are_no_devices(vdev: str) -> None:
    assert found(f"phy:/dev/x,{vdev},w") is None
    check(f"phy:/dev/x,{vdev},w")
