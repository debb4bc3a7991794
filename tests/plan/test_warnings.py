"""What the admin is told about, from the real command line."""

import json
from pathlib import Path

import pytest

from tests.support.dom0 import Dom0, make_dom0


@pytest.fixture(scope="module")
def dom0(tmp_path_factory: pytest.TempPathFactory) -> Dom0:
    return make_dom0(tmp_path_factory.mktemp("warnings"))


def warned(dom0: Dom0, more: str, *words: str) -> str:
    config: Path = dom0.guest(more=more)
    (planned,) = json.loads(dom0.run("plan", "--json", *words, config).out)
    return "\n".join(planned["warnings"])


@pytest.mark.parametrize(("memory", "too_little"), [(256, True), (384, True), (385, False)])
def test_memory_that_may_not_do(dom0: Dom0, memory: int, too_little: bool) -> None:
    """384 MB and the ramdisk, which takes a begun megabyte."""
    assert ("may be too little" in warned(dom0, f"memory = {memory}\n")) == too_little


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ("maxmem = 1024\n", "maxmem=1024 becomes 512"),
        ("maxvcpus = 4\n", "maxvcpus=4 becomes 1"),
        ("vfb = ['type=vnc']\n", "vfb= is lost"),
        ("device_model_version = 'qemu-xen-traditional'\n", "device_model_version"),
        ("", "live migration"),
        ("", "after a kernel upgrade in dom0"),
        ("", "host not known well enough"),
    ],
)
def test_what_changes_is_said(dom0: Dom0, more: str, word: str) -> None:
    assert word in warned(dom0, more)


def test_a_known_host_in_pvh_mode_leaves_little_to_say(dom0: Dom0) -> None:
    assert warned(dom0, "", "--xen", "4.17.7") == ""
