"""Configs of xm into xl's syntax: golden pairs, and what Xen's own reader makes of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool.configs.xl.edit import edit
from shimtool.configs.xl.guest import read_guest
from shimtool.configs.xl.syntax import parse
from shimtool.configs.xm import is_xm, translate
from shimtool.errors import ShimtoolError
from tests.configs.xl.support import EDITS, tree
from tests.configs.xl.support import FIXTURES as OF_XL
from tests.configs.xm.support import DATA, FIXTURES, REFUSED
from tests.support import libxlu

PATH = Path("guest.cfg")

each_fixture = pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)


def translated(path: Path) -> bytes:
    return translate(path.read_bytes(), Path(path.name))


@each_fixture
def test_fixture_is_recognized(path: Path) -> None:
    assert is_xm(path.read_bytes())


@each_fixture
def test_golden(path: Path, golden: Callable[[Path, bytes], None]) -> None:
    golden(DATA / "translated" / path.name, translated(path))


@each_fixture
def test_libxlutil_reads_the_same(path: Path) -> None:
    data = translated(path)
    document = parse(data, PATH)
    with libxlu.reading(data) as theirs:
        assert theirs.accepted, theirs.complaints
        for key in set(document.keys()):
            value = document.value(key)
            assert value is not None
            assert theirs.value(key) == tree(value)


@each_fixture
def test_every_line_keeps_its_number(path: Path) -> None:
    old = path.read_bytes().replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    new = translated(path).removesuffix(b"\n").split(b"\n")
    assert len(old) == len(new)
    for before, after in zip(old, new, strict=True):
        assert after == before or after.endswith(
            (b"#shimtool# " + before, b"#shimtool#  " + before)
        )


@each_fixture
def test_translation_is_for_xl(path: Path) -> None:
    assert not is_xm(translated(path))


@each_fixture
def test_it_can_be_edited(path: Path) -> None:
    done = edit(parse(translated(path), PATH), EDITS, ["made in a test"])
    with libxlu.reading(done) as theirs:
        assert theirs.accepted, theirs.complaints
        assert theirs.value("builder") == b"hvm"
        assert theirs.value("kernel") is None


@each_fixture
def test_it_describes_a_guest(path: Path) -> None:
    guest = read_guest(parse(translated(path), PATH))
    assert guest.name
    assert guest.disks or path.stem == "nfs-root"


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_refused(path: Path, golden: Callable[[Path, bytes], None]) -> None:
    with pytest.raises(ShimtoolError) as caught:
        translated(path)
    lines = [
        f"{each.where}: {each.message}\n    seen: {each.seen}\n    remedy: {each.remedy}\n"
        for each in caught.value.faults
    ]
    golden(path.with_suffix(".faults"), "".join(lines).encode())
    assert all(
        each.where and (each.remedy or "NUL" in each.message) for each in caught.value.faults
    )


@pytest.mark.parametrize("path", OF_XL, ids=lambda path: path.stem)
def test_what_xl_has_fixtures_for_is_not_xm(path: Path) -> None:
    assert is_xm(path.read_bytes()) == (path.stem == "python-code")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"name = web01\n",
        b"name = web-01\n",
        b"kernel = /boot/vmlinuz\n",
        b"memory = 512M\n",
        b"memory = 512 # no newline after this",
        b"localtime = True\n",
        b"Name = 'x'\n",
        b"rtc_timeoffset = -3600\n",
        b"extra = '\\x41'\n",
        b"disk = ['phy:/dev/a,xvda,w' 'phy:/dev/b,xvdb,w']\n",
        b"name = 'x'\r\nmemory = 512\r\n",
        b"\xef\xbb\xbfname = 'x'\n",
        b"hello world\n",
        b"<domain type='xen'/>\n",
        b'{"a": 1}\n',
        b"(vm (name x))\n",
        b"#!/bin/sh\nx=1\nif true; then\n echo hi\nfi\n",
        b"\x7fELF\0\1",
    ],
)
def test_mistakes_in_xl_files_get_errors_of_xl(text: bytes) -> None:
    assert not is_xm(text)


@pytest.mark.parametrize(
    "text",
    [
        b"import os\nname = 'x'\n",
        b"import os\nname = web01\n",
        b"name = 'a' + 'b'\n",
        b"x = 'a'\nname = x\n",
        b"name = '%s' % 'x'\n",
        b"name = str(5)\n",
        b"name = u'x'\n",
        b'name = """x"""\n',
        b"name = ('x')\n",
        b"print 'x'\nname = 'x'\n",
        b"def f(:\n    pass\nimport os\nname = 'x\n",
    ],
)
def test_what_only_python_has(text: bytes) -> None:
    assert is_xm(text)


@pytest.mark.parametrize(
    "text",
    [
        b"ha = True\n",
        b"vfb = None\n",
        b"_template = 'a'\n",
        b"OVM_simple_name = 'a'\n",
        b"prio = -1\n",
        b"load = 1.5\n",
        b"stamp = 2L\n",
        b"extra = 'a' 'b'\n",
        b"extra = 'a' \\\n  'b'\n",
        b"disk = \\\n  ['phy:/dev/a,xvda,w']\n",
        b"a, b = 1, 2\n",
        b"(a, b) = [1, 2]\n",
        b"[a, [b, c]] = [1, [2, 3]]\n",
        b"'of the web team'\n",
    ],
)
def test_literals_that_xl_cannot_read_are_xms_in_a_guests_config(text: bytes) -> None:
    assert is_xm(b"name = 'x'\nkernel = '/k'\n" + text)
    assert is_xm(text + b"bootloader = '/usr/bin/pygrub'\n")
    assert not is_xm(b"kernel = '/k'\nname = web01\n" + text)
    assert not is_xm(b"kernel = '/k'\nMemory = 512\n" + text)
    assert not is_xm(b"kernel = '/k'\nmemory =\n" + text)


def keys_of(text: str, name: str = "guest") -> dict[str, libxlu.Tree | None]:
    data = translate(text.encode(), Path(name))
    with libxlu.reading(data) as theirs:
        return {key: theirs.value(key) for key in set(parse(data, PATH).keys())}


def test_xm_defaults_are_written_out() -> None:
    assert keys_of("import os\nkernel = '/k'\n", "web07") == {
        "kernel": b"/k",
        "name": b"web07",
        "memory": b"128",
    }


# Worked out by hand from xend's create.py and XendConfig.py (3.1 to 4.4).
@pytest.mark.parametrize(
    ("text", "root", "extra"),
    [
        ("root='/dev/a ro'\nextra='quiet'", b"/dev/a ro", b"quiet"),
        ("root='root=/dev/a'", b"/dev/a", None),
        ("dhcp='dhcp'", None, b"ip=:::::eth0:dhcp"),
        ("dhcp='off'", None, None),
        ("ip='10.0.0.2'", None, b"ip=10.0.0.2:::::eth0:off"),
        ("extra='quiet'\ndhcp='dhcp'\ninterface='eth1'", None, b"ip=:::::eth1:dhcp quiet"),
        ("dhcp='dhcp'\nextra='ip=none x'", None, b"ip=none x"),
        ("hostname='h'\ngateway='10.0.0.1'\nextra='x'", None, b"x"),
        ("root='/dev/a'\nextra='root=/dev/b'", None, b"root=/dev/b"),
        (
            "nfs_server='10.0.0.9'\nnfs_root='/srv'\nip='10.0.0.2'\nhostname='h'\n"
            "netmask='255.0.0.0'\ngateway='10.0.0.1'\nroot='/dev/nfs'\nextra='x'",
            None,
            b"ip=10.0.0.2:10.0.0.9:10.0.0.1:255.0.0.0:h:eth0:off nfsroot=10.0.0.9:/srv x",
        ),
    ],
)
def test_command_line_is_xends(text: str, root: bytes | None, extra: bytes | None) -> None:
    found = keys_of(f"import os\n{text}\n")
    assert (found.get("root"), found.get("extra")) == (root, extra)


def test_address_that_is_not_used_need_not_be_known() -> None:
    found = keys_of("import os\nhostname = os.uname()[1]\ngateway = 5\nextra = 'x'\n")
    assert found["extra"] == b"x"


def test_address_that_is_used_must_be_known() -> None:
    with pytest.raises(ShimtoolError, match="hostname cannot be worked out"):
        keys_of("import os\nhostname = os.uname()[1]\ndhcp = 'dhcp'\n")


def test_the_mark_of_our_block_cannot_be_imitated() -> None:
    text = b"'''\n---- added by shimtool ----\n'''\nname = 'x' + 'y'\n"
    assert b"\n#shimtool# ---- added by shimtool" not in translate(text, PATH)


def test_too_big() -> None:
    with pytest.raises(ShimtoolError, match="too big"):
        translate(b"import os\n" + b"#" * 70000, PATH)
