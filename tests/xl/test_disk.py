"""disk= entries against libxlu's own disk parser, read back as libxl's JSON."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shimtool.errors import ShimtoolError
from shimtool.model import Disk, Sourced
from shimtool.xl.disk import as_cdrom, parse_disk, vdev_index
from tests.xl import oracle
from tests.xl.made_up import Choices
from tests.xl.support import EXAMPLES, HERE

ENTRIES = ["phy:/dev/vg0/web1-disk,xvda2,w", "phy:/dev/vg0/web1-swap,xvda1,w", "phy:vg0/a,xvda1,r", "phy:/dev/a,sda1,w!", "file:/srv/xen/a.img,xvda,w", "file:/iso/cd.iso,hdc:cdrom,r", "file:/a.img,xvda:disk,r", "tap:aio:/a.img,xvda,w", "tap2:aio:/a.img,xvda,rw", "tap:qcow2:/a.qcow2,xvda,w", "tap2:tapdisk:aio:/a.img,xvda,w", "tapdisk:vhd:/a.vhd,xvda,w", "tap:ram:/x,xvda,w", "aio:/a.img,xvda,ro", "ioemu:phy:/a,hda,w", "raw:/a.img,xvda,w", "qcow:/a.img,xvda,w", "qcow2:/a.img,xvda,w", "vhd:/a.img,xvda,w", "raw:raw:/a,xvda,w", "raw:qcow:/a,xvda,w", "iscsi:iqn.2001-05.com.equallogic:0-8a,xvda,w", "nbd:host:9000,xvda,w", "enbd:1,xvda,w", "drbd:resource,xvda,w", "lvm:/dev/a,xvda,w", "foo:bar,raw,xvda,w", "/dev/vg/a,raw,xvda,rw", "/dev/vg/a,,xvda", "/dev/vg/a,,xvda,", "/dev/vg/a,,xvda,w,", "/dev/vg/a,,xvda,w,,", "/dev/vg/a,,xvda,w,r", "/dev/vg/a,xvda,w", "/dev/vg/a,raw,xvda,x", "/dev/vg/a,raw", "/dev/vg/a", "/a.qcow2,qcow2,xvda,ro", "/a.vhd,vhd,xvda,r", "/a.qed,qed,xvda,r", "/a.vmdk,vmdk,xvda,r", ",empty,hdc,r", ",,hdc:cdrom,r", ",hdc:cdrom,r", ",hdc:disk,r", ",hdc:floppy,r", ",,hdc,r", "vdev=xvda,format=raw,target=/dev/vg/a", "format=qcow2,vdev=xvda,access=rw,target=/srv/a,b:c=d.qcow2", "target=/dev/a,vdev=xvda", "vdev=xvda,target=/dev/a,", "vdev=xvda,target=", "vdev=xvda", "vdev=xvda,cdrom", "vdev=hdc,devtype=cdrom", "vdev=hdc,devtype=cdrom,devtype=disk,target=/a", "vdev=hdc,devtype=disk,access=ro,target=/a", "vdev=hdc,devtype=floppy,target=/a", "vdev=xvda,access=,target=/a", "vdev=xvda,access=x,target=/a", "vdev=xvda,vdev=xvdb,target=/a", "vdev=,vdev=xvdb,target=/a", "format=,vdev=xvda,target=/a", "format=raw,format=raw,vdev=xvda,target=/a", "format=raw,format=vhd,vdev=xvda,target=/a", "/a,raw,vdev=xvda,r", "/a,vdev=xvda,format=raw,access=r", "/a,raw,xvda,backendtype=phy", "/a,raw,xvda,backendtype=qdisk,backendtype=tap", "/a,raw,xvda,backendtype=", "/a,raw,xvda,backendtype=file", "/a,raw,xvda,backend=storage,script=block-x", "/a,raw,xvda,script=a,script=b", "iscsi:a,xvda,w,script=b", "/a,raw,xvda,w,direct-io-safe,discard", "/a,raw,xvda,no-discard,w", "/a,raw,xvda,discarded", "/a,raw,xvda,w,specification=virtio", "/a,raw,xvda,w,specification=scsi", "/a,raw,xvda,colo,colo-host=h,colo-port=9,colo-export=e,active-disk=a,hidden-disk=b", "/a,raw,xvda,colo-port=", "/a,raw,xvda,w,foo=bar", "/a,raw,xvda,w,foo=", "/a,raw,xvda,=", "=", " /a, raw, xvda, w", "/a,raw,xvda,w ", "/a,raw,xvda, ", "\t/a,raw,xvda\t,w", "/a,raw,a:b:cdrom", "/a b,raw,xvda,w", "/a:b,raw,xvda,w", "phy:,xvda,w", "phy:", "cdrom", "cdrom,/a,raw,hdc", "/a,cdrom,hdc,r"]
PIECES = ["/a", ",/a,", "vdev=", "xvda", "vdev=xvda,", ",", ",", "raw", "raw,", "qcow2", "xvdb", "xvdb,", "hdc:cdrom", "hda:disk,", "r", "w,", "ro,", "phy:", "file:", "tap:", "aio:", "qcow:", "iscsi:", "x:", "devtype=cdrom", "devtype=disk,", "devtype=", "cdrom,", "target=", "target=/b,", "access=r", "access=", "format=vhd,", "format=", "script=s,", "backend=", "discard,", "direct-io-safe", ":", "=", "==", "a=b"]
PIECES += [" ", "\t", "\n", " ,", "ü", "\udcff"]


def found(entry: str) -> Disk | None:
    try:
        return parse_disk(Sourced(entry, 7), HERE)
    except ShimtoolError as error:
        assert str(error.faults[0].where) == "guest.cfg:7"
        return None


def known(vdev: str) -> bool:
    try:
        vdev_index(vdev)
    except ShimtoolError:
        return False
    return True


def check(entry: str) -> None:
    ours, theirs = found(entry), oracle.disk(entry.encode(errors="surrogateescape"))
    if ours is None:
        assert theirs is None or not known(str(theirs["vdev"])), theirs
        return
    assert theirs
    assert ours.text == entry
    assert (ours.target, ours.vdev) == (theirs.get("pdev_path", ""), theirs["vdev"])
    assert (ours.format, ours.cdrom) == (theirs["format"], theirs.get("is_cdrom", 0))
    assert ours.readonly == (not theirs.get("readwrite", 0))
    marked = oracle.disk(as_cdrom(ours).encode(errors="surrogateescape"))
    expected = {**theirs, "is_cdrom": 1, "removable": 1}
    expected.pop("readwrite", None)
    if not ours.target:
        expected["format"] = "empty"
    assert marked == expected


@pytest.mark.parametrize("entry", [entry.replace(r"\x20", " ") for entry in ENTRIES])
def test_entry(entry: str) -> None:
    check(entry)


def made_up(drawn: bytes) -> str:
    choices = Choices(drawn)
    return "".join(choices.several(9, lambda: choices.of(PIECES)))


def changed(drawn: bytes) -> str:
    choices = Choices(drawn)
    entry = choices.of(ENTRIES)
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
        ("51712", ("xvd", 0, 0)),
        ("0xca12", ("xvd", 1, 2)),
        ("268435968", ("xvd", 2, 0)),
        ("769", ("hd", 0, 1)),
        ("0x1600", ("hd", 2, 0)),
        ("2049", ("sd", 0, 1)),
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
        ("1", None),
    ],
)
def test_vdev_index(vdev: str, index: tuple[str, int, int] | None) -> None:
    if index:
        assert vdev_index(vdev) == index
    else:
        with pytest.raises(ShimtoolError, match="virtual device"):
            vdev_index(vdev)
