"""The ISOs of the sample guests boot: loader, shim, kernel and ramdisk prove themselves."""

from pathlib import Path

import pytest

from shimtool.assets import find_assets
from shimtool.commands.boot_log import END, LOG_ARGS, BootReport, parse_report
from tests.boot.conftest import Convert
from tests.boot.iso import loaded, shim_version
from tests.prestage.disc import guest_line
from tests.support.dom0 import Dom0
from tests.support.kernel_builder import vmlinux
from tests.support.qemu import Machine, boot, running
from tests.support.samples import CONVERTIBLE, REFUSED

WEB01 = b'root=/dev/xvda1 ro console=hvc0 dyndbg="file drivers/xen/* +p"'
DB01 = b"root=/dev/xvda2 ro elevator=noop"


def check_shim(report: BootReport, iso: Path) -> None:
    """The shim that ran is the one that the ISO says it holds."""
    assert report.version is not None
    assert report.version == shim_version(iso)
    assert report.command_line == LOG_ARGS


def check_ramdisk(machine: Machine, report: BootReport, file: Path) -> None:
    """The ramdisk is in memory where the shim says: all of it, nothing else."""
    assert report.ramdisk is not None
    assert report.ramdisk.size == file.stat().st_size
    assert machine.memory(report.ramdisk.start, report.ramdisk.size) == file.read_bytes()


@pytest.mark.boot
@pytest.mark.parametrize(
    ("name", "ramdisk", "line"),
    [("web01", "initrd.img-", WEB01), ("db01", "initrd-two-parts.img-", DB01)],
)
def test_kernel_and_ramdisk(
    dom0: Dom0, convert: Convert, name: str, ramdisk: str, line: bytes
) -> None:
    iso = convert(dom0.configs / f"{name}.cfg")
    (file,) = dom0.boot.glob(f"{ramdisk}[0-9]*")
    with running(iso) as machine:
        report = parse_report(machine.wait(END).text)
        check_shim(report, iso)
        assert report.kernel == loaded(vmlinux())
        check_ramdisk(machine, report, file)
        assert guest_line(machine) == line


@pytest.mark.boot
def test_pvgrub_stands_in_for_pygrub(dom0: Dom0, convert: Convert) -> None:
    iso = convert(dom0.configs / "mail01.cfg")
    report = parse_report(boot(iso, until=END).text)
    check_shim(report, iso)
    assert report.kernel == loaded(find_assets().pvgrub_x86_64.read_bytes())
    assert report.ramdisk is None


def test_every_sample_is_converted_or_refused(dom0: Dom0) -> None:
    """What `make demo` shows, without booting it."""
    result = dom0.run("convert", "--mode", "hvm", "--xen", "4.17")
    assert result.code == 1, result
    assert {path.stem for path in dom0.out.glob("*.iso")} == set(CONVERTIBLE)
    assert {path.stem for path in dom0.configs.glob("*.cfg")} == {*CONVERTIBLE, *REFUSED}
    for words in ("gpu01.cfg:7", "old01.cfg:3", "/boot/vmlinuz-2.6.32-5-xen-amd64"):
        assert words in result.err
