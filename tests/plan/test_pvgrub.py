"""What PV GRUB is asked for in pygrub's place, and what it cannot do."""

from pathlib import Path

import pytest

from shimtool.configs.xl.guest import read_guest
from shimtool.configs.xl.syntax import parse
from shimtool.model import BootloaderBoot, Compression, Guest, PvGrubRequest
from shimtool.plan.pvgrub import cannot_start, faults, ignored_options, request


def guest(text: str) -> tuple[Guest, BootloaderBoot]:
    config = f"name = 'n'\nbootloader = 'pygrub'\n{text}\n"
    read = read_guest(parse(config.encode(), Path("guest.cfg")))
    assert isinstance(read.boot, BootloaderBoot)
    return read, read.boot


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("bootloader_args = ['-q', '--args=a', '--kernel=/k']\nroot = '/a'", []),
        ("bootloader_args = []", []),
        ("bootloader_args = ['--ent=0', '--offset=512']", ["--entry", "--offset"]),
    ],
)
def test_what_pv_grub_cannot_be_told(text: str, names: list[str]) -> None:
    read, boot = guest(text)
    assert ignored_options(read, boot) == names
    told = [each.message for each in faults(read, boot)]
    assert len(told) == bool(names)
    assert all(name in told[0] for name in names)


DISKS = "disk = ['/i,raw,xvdb,w', '/j,raw,hdc,r,devtype=cdrom', 'phy:/k,xvda2,w', '/l,raw,0x1,w']"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", PvGrubRequest()),
        (DISKS, PvGrubRequest(disks=("xvdb", "hdc", "xvda2", "0x1"))),
        ("root = '/a ro'\nextra = ' b  '", PvGrubRequest("root=/a ro  b  ")),
        ("extra = 'no'\nbootloader_args = ['--args= $x']", PvGrubRequest(" $x")),
        ("kernel = 'boot/k'\nramdisk = '/r'", PvGrubRequest("", "/boot/k", "/r")),
        ("ramdisk = '/r'\nkernel = ''", PvGrubRequest()),
        ("bootloader_args = '--kernel=/k --args=a'", PvGrubRequest("a", "/k")),
    ],
)
def test_what_pv_grub_is_asked_for(text: str, expected: PvGrubRequest) -> None:
    read, boot = guest(text)
    assert request(read, boot) == expected
    assert faults(read, boot) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"extra = '{'x' * 1024}'", "is 1024 bytes long, and a PV guest gets 1023"),
        (f"kernel = '/{'k' * 8200}'\nextra = 'a'", "too long for PV GRUB"),
    ],
)
def test_what_does_not_fit(text: str, said: str) -> None:
    (fault,) = faults(*guest(text))
    assert said in fault.message
    assert fault.where and fault.remedy


def test_what_grub_cannot_start() -> None:
    unpacked = [kind for kind in Compression if not cannot_start(kind, ())]
    assert unpacked == ["none", "gzip", "xz", "lzo"]
    assert "packed with zstd" in cannot_start(Compression.ZSTD, ())
    assert "ext4 with casefold, bigalloc" in cannot_start(Compression.XZ, ("casefold", "bigalloc"))
