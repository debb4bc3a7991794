"""`shimtool boot-test`: the ISO as converted, started by QEMU, says what its shim was given."""

import json
import os
import shutil

import pytest

from shimtool.assets import find_assets
from tests.boot.iso import shim_version
from tests.support.cli import refused, shimtool_cli
from tests.support.dom0 import Dom0

pytestmark = pytest.mark.boot


def test_an_iso_as_it_was_converted(dom0: Dom0) -> None:
    config = next(
        path for path in sorted(dom0.configs.iterdir()) if b"ramdisk" in path.read_bytes()
    )
    assert dom0.run("convert", "--mode", "hvm", "--xen", "4.17", config).code == 0
    (iso,) = dom0.out.glob("*.iso")
    before = iso.read_bytes()
    result = shimtool_cli("boot-test", "--json", iso)
    assert result.code == 0, result.err
    (report,) = json.loads(result.out)
    assert report["checks"]["shim"] == f"Xen {shim_version(iso)} started"
    assert report["checks"]["kernel"].startswith("taken, for 0x1000000-")
    assert report["checks"]["ramdisk"].endswith(" bytes")
    assert report["checks"]["command line"] in dom0.run("plan", config).out
    assert "root=/dev/xvda" in report["checks"]["command line"]
    assert iso.read_bytes() == before, "the ISO itself is only read"


def test_a_guest_of_32_bits(dom0: Dom0) -> None:
    text = "name='old'\nmemory=512\nkernel='/boot/pvgrub'\nextra='  (hd0)/menu  a '\n"
    shutil.copy(find_assets().pvgrub_i386, dom0.boot / "pvgrub")
    config = dom0.config("old.cfg", text)
    assert dom0.run("convert", "--mode", "hvm", "--xen", "4.17", config).code == 0
    (report,) = json.loads(shimtool_cli("boot-test", "--json", dom0.out / "old.iso").out)
    assert report["checks"]["command line"] == "(hd0)/menu  a ", "without the blanks in front"


def test_a_qemu_that_ends_at_once(dom0: Dom0) -> None:
    """As one too old for what it is asked for does: it never makes the machine's memory."""
    config = next(iter(sorted(dom0.configs.glob("*.cfg"))))
    assert dom0.run("convert", "--mode", "hvm", "--xen", "4.17", config).code == 0
    (iso,) = dom0.out.glob("*.iso")
    (dom0.root / "bin").mkdir()
    (dom0.root / "bin" / "qemu-system-x86_64").symlink_to("/bin/false")
    path = f"PATH={dom0.root / 'bin'}:{os.environ['PATH']}"
    refused(shimtool_cli("boot-test", iso, through=("env", path)), "the shim did not start")


def test_what_stops_it_is_said(dom0: Dom0) -> None:
    config = next(iter(sorted(dom0.configs.glob("*.cfg"))))
    assert dom0.run("convert", "--mode", "hvm", "--xen", "4.17", config).code == 0
    (iso,) = dom0.out.glob("*.iso")
    quick = shimtool_cli("boot-test", "--timeout", "1", iso)
    assert quick.code == 1
    assert "did not" in quick.err
    small = shimtool_cli("boot-test", "--memory", "80", iso)
    assert small.code == 1
    assert "Not enough RAM" in small.err or "did not" in small.err
    os.truncate(iso, iso.stat().st_size // 2)
    damaged = shimtool_cli("boot-test", iso)
    assert damaged.code == 1
    assert "Traceback" not in damaged.err
