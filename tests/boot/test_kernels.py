"""Debian's kernel in every compression that Linux's build knows: the shim reports it loaded."""

import pytest

from shimtool.commands.boot_log import END, parse_report
from shimtool.model import Compression
from tests.boot.conftest import Convert
from tests.boot.iso import loaded
from tests.support.dom0 import Dom0
from tests.support.kernel_builder import packed_vmlinux, rewrapped, vmlinux
from tests.support.qemu import boot

pytestmark = pytest.mark.boot

CONFIG = 'name="packed"\nmemory=768\nkernel="/boot/packed"\n'


@pytest.mark.parametrize("kind", [kind for kind in Compression if kind is not Compression.NONE])
def test_bzimage(dom0: Dom0, convert: Convert, kind: Compression) -> None:
    """zstd's is unpacked by the conversion where the shim cannot, the others by the shim."""
    (dom0.boot / "packed").write_bytes(rewrapped(packed_vmlinux(kind, whole=True)[1]))
    iso = convert(dom0.config("packed.cfg", CONFIG))
    assert parse_report(boot(iso, memory=768, until=END).text).kernel == loaded(vmlinux())


@pytest.mark.parametrize("kind", [Compression.NONE, Compression.GZIP, Compression.XZ])
def test_elf(dom0: Dom0, convert: Convert, kind: Compression) -> None:
    """Kernels of XenLinux, SUSE's kernel-xen for one, are an ELF file, packed as a whole."""
    whole = kind is not Compression.NONE
    data = packed_vmlinux(kind, whole=True)[1] if whole else vmlinux()
    (dom0.boot / "packed").write_bytes(data)
    iso = convert(dom0.config("packed.cfg", CONFIG))
    assert parse_report(boot(iso, memory=768, until=END).text).kernel == loaded(vmlinux())
