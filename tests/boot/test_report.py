"""Reading a shim's log: what several versions write, and logs that end early."""

import pytest

from shimtool.commands.boot_log import END, BootReport, Span, parse_report

HEAD = "ISOLINUX 6.04 20200816\r\nLoading xen-shim... ok\r\n"
V417 = """\
(XEN) Xen version 4.17.7 (Debian 4.17.7+13-g2445b30a44-0+deb12u1) (gcc) debug=n
(XEN) build-id: 06a5d6fde9ac
(XEN) Command line: pv-shim console=com1,xen maxcpus=1
(XEN)  Xen  kernel: 64-bit, lsb, compat32
(XEN)  Dom0 kernel: 64-bit, PAE, lsb, paddr 0x1000000 -> 0x4a00000
(XEN)  Init. ramdisk: 000000001f323000->000000001f5ff6c1
(XEN)  Loaded kernel: ffffffff81000000->ffffffff84a00000
(XEN) ****************************************
(XEN) Panic on CPU 0:
(XEN) FATAL TRAP: vector = 6 (invalid opcode)
"""
# 4.14 names the ramdisk twice: as a module, then in the guest's virtual memory.
V414 = """\
(XEN) Xen version 4.14.6 (Debian ) (@) (gcc) debug=n
(XEN)  Dom0 kernel: 64-bit, PAE, lsb, paddr 0x1000000 -> 0x4a00000
(XEN)  Init. ramdisk: 000000001f323000->000000001f5ff6c1
(XEN)  Init. ramdisk: 0000000000000000->0000000000000000
(XEN) Panic on CPU 0:
(XEN) Unable to get HVM_PARAM_STORE_PFN
"""
V420 = """\
(XEN) Xen version 4.20.5-pre (Debian 4.20.4+63-g7abfd2bce2-0+deb13u1) (gcc) debug=n
(XEN)  Dom0 kernel: 64-bit, lsb, paddr 0x1000000 -> 0x4a00000
(XEN)  Init. ramdisk: 000000001f323000->000000001f5ff6c1
(XEN) Panic on CPU 0:
(XEN) FATAL TRAP: vector = 6 (invalid opcode)
"""
KERNEL, RAMDISK = Span(0x1000000, 0x4A00000), Span(0x1F323000, 0x1F5FF6C1)


def serial(log: str) -> str:
    """Write a log as a serial port gives it: after the loader's, lines ending in CR LF."""
    return HEAD + log.replace("\n", "\r\n")


@pytest.mark.parametrize("log", [V417, serial(V417)])
def test_everything_is_read(log: str) -> None:
    assert parse_report(log) == BootReport(
        version="4.17.7",
        command_line="pv-shim console=com1,xen maxcpus=1",
        kernel=KERNEL,
        ramdisk=RAMDISK,
        panic="FATAL TRAP: vector = 6 (invalid opcode)",
    )


@pytest.mark.parametrize(("log", "version"), [(V414, "4.14.6"), (V420, "4.20.5-pre")])
def test_other_versions(log: str, version: str) -> None:
    report = parse_report(serial(log))
    assert (report.version, report.kernel, report.ramdisk) == (version, KERNEL, RAMDISK)


def test_kernel_at_address_zero() -> None:
    log = V417.replace("paddr 0x1000000", "paddr 0")
    assert parse_report(log).kernel == Span(0, 0x4A00000)


def test_sizes_are_in_bytes() -> None:
    assert RAMDISK.size == 3_000_001


@pytest.mark.parametrize("log", ["", "\0\ufffd(XEN)", HEAD, HEAD + "mboot.c32: boot failed\r\n"])
def test_no_shim_gives_an_empty_report(log: str) -> None:
    assert parse_report(log) == BootReport()


def test_out_of_memory_is_told() -> None:
    log = serial(V417).partition("(XEN)  Init.")[0]
    log += "(XEN) Panic on CPU 0:\r\n(XEN) Not enough RAM for domain 0 allocation\r\n"
    report = parse_report(log)
    assert report.ramdisk is None
    assert report.panic == "Not enough RAM for domain 0 allocation"


def test_end_waits_for_the_whole_panic() -> None:
    log = serial(V417)
    first = next(size for size in range(len(log) + 1) if END.search(log[:size]))
    assert parse_report(log[:first]) == parse_report(log)
