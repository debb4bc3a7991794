"""Python of the wild means to us what it means to Python, and xl takes what comes of it."""

from pathlib import Path

import pytest

from shimtool.configs.parse import XlConfig, parse
from shimtool.model import Syntax
from tests.configs.xm.wild import KINDS
from tests.support import libxlu
from tests.support.dom0 import Dom0
from tests.support.real_xl import created

BASE = "name = 'g'\nkernel = '/boot/vmlinuz-guest'\nmemory = 256\n"
KEYS = (
    "name", "kernel", "ramdisk", "memory", "maxmem", "vcpus", "root", "extra", "disk", "vif", "vfb",
    "cpus",
)  # fmt: skip
FORMS = [(kind, at) for kind, each in KINDS.items() for at in range(len(each.forms))]


@pytest.mark.parametrize(("kind", "at"), FORMS)
def test_as_python(kind: str, at: int, dom0: Dom0) -> None:
    program = f"{BASE}{KINDS[kind].forms[at]}\n"
    meant: dict[str, object] = {}
    exec(program, meant)  # noqa: S102 - ours, from the table
    config = parse(program.encode(), Path("g"))
    assert isinstance(config, XlConfig)
    assert config.syntax in (Syntax.XL, Syntax.XM)
    data = config.document.data
    with libxlu.reading(data) as reading:
        assert reading.accepted, reading.complaints
        for key in KEYS:
            assert _seen(reading.value(key)) == _expected(meant.get(key)), key
    theirs = created(dom0.config("g.cfg", data))
    assert isinstance(theirs, dict), theirs


def _seen(value: libxlu.Tree | None) -> object:
    if isinstance(value, bytes):
        return value.decode()
    return None if value is None else [_seen(each) for each in value]


def _expected(value: object) -> object:
    """Return what libxlu has of a value: text, also of numbers; xm took no notice of False."""
    if value is None or value is False:
        return None
    return value if isinstance(value, list) else str(value)


def test_the_table() -> None:
    assert len({form for kind in KINDS.values() for form in kind.forms}) == len(FORMS) >= 100
    assert all(kind.source for kind in KINDS.values())
