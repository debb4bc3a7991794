"""Any content gives a config that libxlutil accepts or a clear refusal, soon, and is never run."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shimtool.configs.xm import is_xm, translate
from shimtool.configs.xm.source import LIMIT
from shimtool.errors import ShimtoolError
from tests.configs.xm.support import FIXTURES, REFUSED
from tests.conftest import EXAMPLES
from tests.support import libxlu
from tests.support.config_strategies import CONFIGS, HEAPS, MUTATED

PATH = Path("guest.cfg")
thorough = settings(max_examples=EXAMPLES, deadline=None)
quicker = settings(max_examples=EXAMPLES // 5, deadline=None)

WORDS = [
    *"()[]{}=+-*/%,:;.#\\'\"`@~<>&|^!$\n\r\t\f \0",
    "\n ", "\n    ", "\\\n", "\r\n", "'''", '"""', "u'", "r'", "b'", "f'", "ur'", " = ", "+=", "**",
    "<<", "//", "name", "memory", "disk", "extra", "dhcp", "nics", "ip", "root", "vif", "vmid", "a",
    "os", "0", "7", "0x1f", "010", "10L", "1.5", "1e999", "'x'", '"%s"', "'%d'", "'{}'", "'%(a)s'",
    "import ", "from ", " import *", "print ", "def f(x):", "class A:", "if ", "else:", "elif ",
    "for ", " in ", "while ", "try:", "except ", "with ", " as ", "lambda ", "return ", "del ",
    "exec ", "pass", "raise ", "global ", "assert ", "yield ", "not ", " and ", " or ", " is ",
    "None", "True", "str(", "int(", "len(", "locals()", ".format(", ".append(", ".join(", "[0]",
    "os.system('x')", "é", "\udcff", "#shimtool# ", "# coding: gbk\n", "\ufeff",
]  # fmt: skip


def jumbled(drawn: bytes) -> bytes:
    return "".join(WORDS[byte % len(WORDS)] for byte in drawn).encode(errors="surrogateescape")


def python_mutated(drawn: bytes) -> bytes:
    """Return a fixture with a few words put in or over its text."""
    seeds = [path.read_bytes() for path in (*FIXTURES, *REFUSED)]
    data = seeds[drawn[0] % len(seeds)]
    for at, kind in zip(drawn[1::2], drawn[2::2], strict=False):
        place = at * len(data) // 256
        data = data[:place] + jumbled(bytes([kind])) + data[place + at % 3 :]
    return data


def check(data: bytes) -> None:
    """Translate a config, in seconds of CPU time, not minutes."""
    started = time.process_time()
    is_xm(data)
    try:
        done = translate(data, PATH)
    except ShimtoolError as error:
        assert error.faults
        assert all(fault.message and fault.where for fault in error.faults)
    else:
        with libxlu.reading(done) as theirs:
            assert theirs.accepted, (done, theirs.complaints)
        assert done.count(b"\n") == (data + b"\n" * (data[-1:] not in (b"", b"\n"))).count(b"\n")
    assert time.process_time() - started < 15


@thorough
@given(st.binary(max_size=30).map(jumbled))
def test_jumbled_python(data: bytes) -> None:
    check(data)


@thorough
@given(st.binary(min_size=1, max_size=9).map(python_mutated))
def test_mutated_fixtures(data: bytes) -> None:
    check(data)


@quicker
@given(CONFIGS | MUTATED | HEAPS)
def test_configs_of_xl(data: bytes) -> None:
    check(data)


@quicker
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    check(data)


def filled(piece: str, before: str = "import os\n", after: str = "\n") -> bytes:
    count = (LIMIT - len(before) - len(after)) // len(piece.encode())
    return (before + piece * count + after).encode()


@pytest.mark.parametrize(
    "data",
    [
        filled("f("),
        filled(".b()", "import os\nx = a"),
        filled("[0]", "import os\nx = a"),
        filled("+'a'", "import os\nname = ''"),
        filled("[", "import os\ndisk = "),
        filled("(", "import os\ndisk = "),
        filled("{1:", "import os\ndisk = "),
        filled("disk.append('x')\n", "disk = []\n"),
        filled("vcpus=1;"),
        filled("f(t)\n", "t = (1,) * 60000\n"),
        filled("w = '%(v)s' % locals()\n", "v = 1\n"),
        filled("a=1+"),
        filled(".b", "x = a"),
        filled("-b", "x = a"),
        filled("[b]", "x = a"),
        b"x = " + b"(" * 30000 + b"b" + b")" * 30000 + b"\n",
        b"import os\n" + b"(" * 20000 + b"a" + b",)" * 20000 + b" = 1\n",
        b"import os\ndel " + b"(" * 20000 + b"a" + b",)" * 20000 + b"\n",
        filled("a+=a;", "import os\na=[1]\n"),
        filled("a.extend(a);", "import os\na=[1]\n"),
        filled("s.join(t);", "import os\ns='x'\nt=(1,)*60000\n"),
        filled("s%1;", "import os\ns='%%'*30000\n"),
        filled("s.format(1);", "import os\ns='{}'*30000\n"),
        filled("a=[a,a]\n", "a=['x']\n", "disk=a\n"),
        filled("a=a.replace('','yyyyyyyyy')\n", "a='x'*60000\n"),
        filled("\\\n"),
        filled("#\n", "import os\na=1\n"),
        filled("\n"),
        filled("  #\n", "if x:\n  b=1\n"),
        filled("%d", "import os\nname = '", "' % 1\n"),
        filled("{}", "import os\nname = '", "'.format(1)\n"),
        filled("lambda:", "import os\nx = ", "1\n"),
        filled("a=", "import os\n", "1\n"),
        filled("match a:\n case b:\n  c\n"),
        filled("if x:\n f(a)\n", "a=[]\n"),
        filled("é"),
        b"disk = []\ndisk.append(disk)\nvif = disk * 3\n",
        b"import os\nname = 'x' * 10**9\nmemory = 9**9**9\nextra = '%99999999d' % 1\n",
    ],
    ids=lambda data: repr(data[:30]),
)
def test_costly_configs(data: bytes) -> None:
    check(data)


def test_nothing_is_run(tmp_path: Path) -> None:
    made = tmp_path / "made"
    code = [
        f"open({str(made)!r}, 'w').write('x')",
        f"import os; os.system('touch {made}')",
        f"__import__('os').mkdir({str(made)!r})",
        f"exec \"open({str(made)!r}, 'w')\"",
        f"name = '%s' % open({str(made)!r}, 'w')",
        f"name = [open(each, 'w') for each in [{str(made)!r}]]",
        f"def f(x=open({str(made)!r}, 'w')): pass",
        f"print open({str(made)!r}, 'w')",
    ]
    for line in code:
        check(f"{line}\nname = 'x' + 'y'\n".encode())
    assert not made.exists()
