"""Boot menus against pygrub's own parsers, and against any text at all."""

import importlib.util
import sys
import time
from contextlib import suppress
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shimtool.payload.guest_disk import bls, menu
from shimtool.payload.guest_disk.menu import Entry, Menu
from shimtool.payload.jailed.answers import UnreadableError
from tests.conftest import EXAMPLES
from tests.payload.guest_disk import pygrub

WORDS = st.sampled_from(
    ["/boot/vmlinuz", "(hd0,0)/vmlinuz", "/initrd.img", "root=/dev/xvda1", "ro", "a='b  c'", "=",
     "0", "1", "2", "-1", "saved", "default", "'x'", '"y z"', '"1"', '"${saved_entry}"', "{", "}",
     "\t", "  ", "initrd=/i", "---", "mboot.c32"]
)  # fmt: skip
REST = st.lists(WORDS, max_size=4).map(" ".join)


def lines(*commands: str) -> st.SearchStrategy[str]:
    line = st.tuples(
        st.sampled_from(["", "  ", "\t"]),
        st.sampled_from(commands),
        st.sampled_from([" ", "\t", "=", "  ", " = "]),
        REST,
    )
    return st.lists(line.map("".join), max_size=12).map("\n".join)


GRUB2 = lines(
    "menuentry 'one' --class x {", 'menuentry "two" {', "}", "linux", "linux16", "initrd", "set",
    "set default", "set root", "submenu 'more' {", "function f {", "echo", "# linux", "if", "fi",
)  # fmt: skip
LEGACY = lines("title", "title one", "kernel", "initrd", "default", "timeout", "root", "# kernel")
SYSLINUX = lines("label", "LABEL one", "label two", "kernel", "append", "APPEND", "default", "ui")


@cache
def theirs(name: str) -> ModuleType:
    """Load one of pygrub's modules; the package's own name is needed by its imports."""
    folder = pygrub.home() / "lib/python/grub"
    for module in ("grub", f"grub.{name}"):
        path = folder / ("__init__.py" if module == "grub" else f"{name}.py")
        spec = importlib.util.spec_from_file_location(
            module, path, submodule_search_locations=[str(folder)] if module == "grub" else None
        )
        assert spec and spec.loader
        sys.modules[module] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[module])
    return sys.modules[f"grub.{name}"]


def taken(parser: Any, text: str) -> tuple[str, str, str] | None:  # noqa: ANN401 - pygrub's
    """What pygrub boots by default: kernel, ramdisk, arguments; None where it fails."""
    try:
        parser.filename = "/boot/menu"
        parser.parse(text)
        chosen = parser.default if parser.default <= len(parser.images) else 0
        image = parser.images[chosen if chosen < len(parser.images) else 0]
        return image.kernel[1], image.initrd[1] if image.initrd else "", image.args or ""
    except Exception:  # noqa: BLE001 - whatever it fails with, it looks elsewhere then
        return None


def same(mine: Entry | None, expected: tuple[str, str, str] | None) -> None:
    if expected is not None and expected[0]:
        assert mine
        assert (mine.kernel, mine.ramdisk, mine.arguments.split()) == (
            menu.without_device(expected[0]),
            menu.without_device(expected[1]),
            expected[2].split(),
        )


@settings(deadline=None, max_examples=EXAMPLES // 5)
@given(text=GRUB2)
def test_grub2_as_pygrub(text: str) -> None:
    same(menu.grub2(text).chosen(), taken(theirs("GrubConf").Grub2ConfigFile(), text))


@settings(deadline=None, max_examples=EXAMPLES // 5)
@given(text=LEGACY)
def test_legacy_as_pygrub(text: str) -> None:
    same(menu.legacy(text).chosen(), taken(theirs("GrubConf").GrubConfigFile(), text))


@settings(deadline=None, max_examples=EXAMPLES // 5)
@given(text=SYSLINUX)
@example(text="label \nkernel \nappend initrd=/i\nkernel /boot/vmlinuz")
def test_syslinux_as_pygrub(text: str) -> None:
    theirs("GrubConf")
    mine = menu.syslinux(text).chosen()
    if not (mine and (mine.xen or mine.modules)):
        same(mine, taken(theirs("ExtLinuxConf").ExtLinuxConfigFile(), text))


ANY = st.one_of(GRUB2, LEGACY, SYSLINUX, st.text(max_size=200), st.binary(max_size=200).map(str))


@settings(deadline=None, max_examples=EXAMPLES // 5)
@given(text=ANY, asked=st.none() | WORDS)
@pytest.mark.parametrize("read", [menu.grub2, menu.legacy, menu.syslinux])
def test_any_text(read: Any, text: str, asked: str | None) -> None:  # noqa: ANN401 - a parser
    found: Menu = read(text)
    assert (found.chosen(asked) is None) == (not found.entries)


@settings(deadline=None, max_examples=EXAMPLES // 5)
@given(files=st.dictionaries(st.text(max_size=12), ANY, max_size=4), text=ANY)
def test_any_loader_entries(files: dict[str, str], text: str) -> None:
    bls.read_entries(files, bls.read_environment(text))


# Characters, an eighth of what a menu may have: what takes squared time is seen in it as well.
LONG = 1 << 17


@pytest.mark.parametrize("read", [menu.grub2, menu.legacy, menu.syslinux])
@pytest.mark.parametrize(
    "unit",
    ["menuentry 'a' {\n", "title\n", "label a\n", "menuentry " + "'" * 999, "set default=\n", " ",
     "linux" + " " * 999, "(", "menuentry '{" + "' " * 8000 + "\n",
     '"', "append ---", "append initrd=a ", "}\n", "\\", "linux ("],
)  # fmt: skip
def test_long_menus_are_read_at_once(read: Any, unit: str) -> None:  # noqa: ANN401 - a parser
    text = (unit * (LONG // len(unit) + 1))[:LONG]
    began = time.thread_time()
    for before in ("", "title a\nlabel a\nmenuentry 'a' {\n"):
        with suppress(UnreadableError):
            read(before + text).chosen("title")
        with suppress(UnreadableError):  # in lines as long as may be
            read(before + "\n".join([text[:16000]] * (LONG // 16000))).chosen("title")
    assert time.thread_time() - began < 2


@pytest.mark.parametrize("unit", ["options $", "a=\\", "linux ${", "options a\n", "$" * 99, "a"])
def test_long_loader_entries(unit: str) -> None:
    text = (unit * (LONG // len(unit) + 1))[:LONG]
    bls.read_entries({"a.conf": text, "1" * 250: text}, bls.read_environment(text))
