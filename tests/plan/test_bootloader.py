"""What pygrub is told, by config and libxl."""

from pathlib import Path

import pytest

from shimtool.configs.xl.guest import read_guest
from shimtool.configs.xl.syntax import parse
from shimtool.model import BootloaderBoot, Guest
from shimtool.plan.bootloader import (
    PygrubOptions,
    command_line,
    faults,
    is_pygrub,
    options,
)


def guest(text: str, program: str = "pygrub") -> tuple[Guest, BootloaderBoot]:
    config = f"name = 'n'\nbootloader = '{program}'\n{text}\n"
    read = read_guest(parse(config.encode(), Path("guest.cfg")))
    assert isinstance(read.boot, BootloaderBoot)
    return read, read.boot


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", PygrubOptions()),
        ("bootloader_args = '-q'", PygrubOptions()),
        ("bootloader_args = ['--entry=2', '--quiet', '--debug']", PygrubOptions(entry="2")),
        ("bootloader_args = '--entry=2 --kernel=/k'", PygrubOptions("/k", entry="2")),
        (
            "bootloader_args = ['--entry', 'Debian GNU/Linux']",
            PygrubOptions(entry="Debian GNU/Linux"),
        ),
        ("bootloader_args = ['--ent=1', '--ramd=/r']", PygrubOptions(ramdisk="/r", entry="1")),
        ("bootloader_args = ['--offset=1048576']", PygrubOptions(offset=1 << 20)),
        ("bootloader_args = ['--runas=65534', '-i']", PygrubOptions()),
        ("root = '/dev/xvda2 ro'", PygrubOptions(arguments="root=/dev/xvda2 ro")),
        ("root = '/a'\nextra = 'quiet'", PygrubOptions(arguments="root=/a quiet")),
        ("root = '/a'\ncmdline = 'b'", PygrubOptions(arguments="b")),
        ("extra = 'a'\nbootloader_args = ['--args=b  c']", PygrubOptions(arguments="b  c")),
        ("kernel = '/k'\nramdisk = '/r'", PygrubOptions("/k", "/r")),
        ("kernel = '/k'\nbootloader_args = ['--kernel=/l']", PygrubOptions("/l")),
        ("kernel = ''\nramdisk = ''", PygrubOptions()),
    ],
)
def test_what_pygrub_gets(text: str, expected: PygrubOptions) -> None:
    assert options(*guest(text)) == (expected, [])


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("['--not-really']", "--not-really boots nothing"),
        ("['-l']", "-l boots nothing"),
        ("['-nq']", "-n boots nothing"),
        ("['--output=/etc/passwd']", "--output boots nothing"),
        ("['--output-format=sxp']", "--output-format boots nothing"),
        ("['--isconfig']", "--isconfig boots nothing"),
        ("['--offset=a']", "--offset=a is no number"),
        ("['--offset=-5']", "--offset=-5 is no number"),
        ("['--frobnicate']", "--frobnicate not recognized"),
        ("['--entry']", "--entry requires argument"),
        ("['/etc/passwd']", "would read /etc/passwd instead of the guest's disk"),
        ("'-q other.img'", "would read other.img"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(value: str, word: str) -> None:
    (fault,) = faults(*guest(f"bootloader_args = {value}"))
    assert word in fault.message
    assert fault.where and fault.where.line == 3
    assert fault.remedy


@pytest.mark.parametrize(
    ("program", "known"),
    [
        ("pygrub", True),
        ("/usr/lib/xen-4.4/bin/pygrub", True),
        ("/usr/bin/pygrub-2.7", True),
        ("/usr/bin/pypxeboot", False),
        ("/usr/lib/xen/bin/petitboot", False),
        ("/opt/pygrub/other", False),
    ],
)
def test_other_boot_loaders(program: str, known: bool) -> None:
    read, boot = guest("", program)
    assert is_pygrub(boot) == known
    assert bool(faults(read, boot)) == (not known)


@pytest.mark.parametrize(
    ("asked", "entry", "line"),
    [
        (PygrubOptions(), "root=/a ro  quiet ", "root=/a ro  quiet "),
        (PygrubOptions(arguments="b  c"), "a\t x", "a\t x b  c"),
        (PygrubOptions(arguments="b"), "", "b"),
        (PygrubOptions("/k", arguments="b"), "of a menu", "b"),
        (PygrubOptions(), "", ""),
    ],
)
def test_the_line_as_pygrub_joins_it(asked: PygrubOptions, entry: str, line: str) -> None:
    assert command_line(asked, entry) == line
