"""What the admin is told about, from the real command line."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.dom0 import Dom0
from tests.support.told import lines


def warned(dom0: Dom0, more: str, *words: str) -> str:
    config: Path = dom0.guest(more=more)
    (planned,) = json.loads(dom0.run("plan", "--json", *words, config).out)
    return "\n".join(lines(planned["warnings"]))


@pytest.mark.parametrize(
    ("memory", "least", "options"),
    [
        (256, 300, ("--xen", "4.17.7", "--mode", "pvh")),
        (128, 256, ("--xen", "4.17.7", "--mode", "hvm")),
    ],
)
def test_memory_that_does_not_do(
    debian_dom0: Dom0, memory: int, least: int, options: tuple[str, ...]
) -> None:
    """How much Debian's kernel needs depends on which one it is today: 361 MB for 6.1.0-50, or 257
    in HVM mode, where the pre-stage makes room.
    """
    found = warned(debian_dom0, f"memory = {memory}\n", *options)
    raised = re.search(rf"^memory={memory} becomes (\d+): the shim needs as much to", found, re.M)
    assert raised, found
    needed = int(raised[1])
    assert needed > least
    keep = (*options, "--memory", "keep")
    for size, too_little in ((memory, True), (needed - 1, True), (needed, False)):
        said = f"memory={size} is too little: the shim needs {needed} MB"
        assert (said in warned(debian_dom0, f"memory = {size}\n", *keep)) == too_little
    assert "memory=" not in warned(debian_dom0, f"memory = {needed}\n", *options)


@pytest.mark.parametrize(("memory", "too_little"), [(486, True), (487, False)])
def test_memory_that_may_not_do(dom0: Dom0, memory: int, too_little: bool) -> None:
    """Of a kernel that pygrub finds at each start nothing is known: 512 MB, the share included."""
    (planned,) = [planned_pygrub(dom0, f"memory = {memory}\n", "--xen", "4.17.7")]
    assert ("may be too little" in "\n".join(lines(planned["warnings"]))) == too_little


def test_memory_is_not_said_to_be_little_for_pv_grub(dom0: Dom0) -> None:
    planned = planned_pygrub(dom0, "memory = 128\n", "--xen", "4.17.7", "--boot-loader", "pvgrub")
    assert not any("memory" in text for text in lines(planned["warnings"]))


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ("maxmem = 1024\n", "maxmem=1024 becomes 539"),
        ("maxvcpus = 4\n", "maxvcpus=4: vCPUs cannot be added later"),
        ("maxvcpus = 129\n", "maxvcpus=129 becomes 1"),
        ("vfb = ['type=vnc']\n", "vfb= is lost"),
        ("device_model_version = 'qemu-xen-traditional'\n", "device_model_version"),
        ("vcpus = 33\n", "vcpus=33: a shim gives its guest 32 at most"),
        ("vcpus = 2\n", "vcpus=2: with more than one vCPU a guest stops after save and"),
        ("vcpus = 2\n", "else give it one before (xl vcpu-set NAME 1), and no other until"),
        ("", "after a kernel upgrade in dom0"),
    ],
)
def test_what_changes_is_said(dom0: Dom0, more: str, word: str) -> None:
    assert word in warned(dom0, more)


def test_in_pvh_maxvcpus_is_pinned(dom0: Dom0) -> None:
    assert "maxvcpus=4 becomes 1" in warned(dom0, "maxvcpus = 4\n", "--xen", "4.17.7")


@pytest.mark.parametrize(
    "more",
    ["vcpus = 1\n", "vfb = []\n", "device_model_version = ''\n", "device_model_args = []\n"],
)
def test_what_changes_nothing_is_not_said(dom0: Dom0, more: str) -> None:
    assert warned(dom0, more, "--xen", "4.17.7") == ""


@pytest.mark.parametrize(
    ("line", "warns"),
    [
        ("nopvspin", False), ("quiet xen_nopvspin ro", False),
        ("nopvspin=1 my_nopvspin", True), ("quiet -- nopvspin", True),
    ],
)  # fmt: skip
def test_vcpus_without_pv_spinlocks_need_no_word(debian_dom0: Dom0, line: str, warns: bool) -> None:
    """Linux 6.1 knows both words."""
    said = warned(debian_dom0, f"vcpus = 2\nextra = '{line}'\n", "--xen", "4.17.7")
    assert ("more than one vCPU" in said) == warns


@pytest.mark.parametrize(
    ("more", "warns"),
    [
        ("extra = 'nopvspin'", True),
        ("extra = 'nopvspin xen_nopvspin'", False),
        ("extra = 'nopvspin xen_nopvspin'\nbootloader_args = ['--args=root=/dev/xvda1']", True),
        ("bootloader_args = ['--args=nopvspin xen_nopvspin']", False),
    ],
)
def test_a_kernel_that_is_not_known_is_told_in_both_words(
    dom0: Dom0, more: str, warns: bool
) -> None:
    for loader in ("keep", "pvgrub"):
        words = ("--xen", "4.17.7", "--boot-loader", loader)
        planned = planned_pygrub(dom0, f"vcpus = 2\n{more}\n", *words)
        assert ("more than one vCPU" in "\n".join(lines(planned["warnings"]))) == warns


def planned_pygrub(dom0: Dom0, more: str, *words: str) -> dict[str, Any]:
    config = dom0.config("mail.cfg", f"name = 'mail'\nbootloader = 'pygrub'\n{more}")
    (planned,) = json.loads(dom0.run("plan", "--json", *words, config).out)
    return dict(planned)


@pytest.mark.parametrize(
    ("words", "bits", "other"),
    [
        (("--boot-loader", "pvgrub"), "64", "i386"),
        (("--pvgrub", "x86_64"), "64", "i386"),
        (("--pvgrub", "i386"), "32", "x86_64"),
    ],
)
def test_how_wide_pv_grub_is(dom0: Dom0, words: tuple[str, ...], bits: str, other: str) -> None:
    planned = planned_pygrub(dom0, "", "--xen", "4.17.7", *words)
    (text,) = lines(planned["warnings"])
    assert f"is the {bits}-bit one" in text
    assert f"--pvgrub {other}" in text


def test_each_pv_grub_is_a_file_of_its_own(dom0: Dom0) -> None:
    words = ("--xen", "4.17.7", "--pvgrub")
    first, second = (
        planned_pygrub(dom0, "", *words, arch)["outputs"] for arch in ("x86_64", "i386")
    )
    assert first != second


def test_no_word_of_pv_grub_where_it_is_not_used(dom0: Dom0) -> None:
    assert "PV GRUB" not in warned(dom0, "")


def test_a_known_host_in_pvh_mode_leaves_little_to_say(dom0: Dom0) -> None:
    assert warned(dom0, "", "--xen", "4.17.7") == ""
