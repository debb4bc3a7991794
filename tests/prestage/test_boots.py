"""Booted under plain QEMU by mboot.c32, with Debian's shim, until that panics for want of a Xen."""

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from shimtool.assets import find_assets
from shimtool.commands.boot_log import END, LOG_ARGS, parse_report
from tests.prestage.disc import Disc, guest_line, pv_kernel, write_disc
from tests.prestage.images import ROOM, ROOM_END, Params, Segment, elf
from tests.support import guests
from tests.support.qemu import Machine, running

pytestmark = pytest.mark.boot

MEMORY = 128  # MiB, enough for Debian's shim and a small kernel
REFUSED = re.compile("prestage: cannot start the guest: [^\n]*\n")
Boot = Callable[..., AbstractContextManager[Machine]]


@pytest.fixture
def boot(tmp_path: Path, prestage: Path) -> Boot:
    """Boot files as the loader's modules; the machine runs on."""

    @contextmanager
    def start(
        files: Disc | dict[str, bytes], processors: int = 1, memory: int = MEMORY
    ) -> Iterator[Machine]:
        modules = files.files() if isinstance(files, Disc) else files
        iso = write_disc(tmp_path / "disc.iso", prestage, find_assets().boot, modules)
        with running(iso, memory=memory, processors=processors) as machine:
            yield machine

    return start


def lines() -> dict[str, bytes]:
    """What boot loaders alter, by name."""
    every_byte = bytes(range(1, 256))
    return {
        "blanks": b"\t  a  b   c \t d\t\te   ",
        "dashes": b"\t--- a --- b ---  -- c -- --- ",
        "quotes": b"""dyndbg="file a.c +p" 'x  y' \\ \\" $x ${y} `z` #;{}""",
        "ends of lines": b"a\nAPPEND b\r\nc\r\x1a\x04",
        "every byte": every_byte.replace(b" ", b"  ") + b" " + every_byte[::-1],
        "nothing": b"",
        "as long as can be": b'"a  b" '.ljust(1023, b"\xff"),
    }


@pytest.mark.parametrize("name", lines())
def test_the_line_arrives_byte_for_byte(boot: Boot, name: str) -> None:
    line = lines()[name]
    with boot(Disc(Params(guest_line=line), ramdisk=b"\x1f\x8b whatever")) as machine:
        machine.wait(END)
        assert guest_line(machine) == line


def test_the_shim_itself_takes_leading_spaces_off(boot: Boot) -> None:
    with boot(Disc(Params(guest_line=b"   a b "))) as machine:
        machine.wait(END)
        assert guest_line(machine) == b"a b "


def test_it_is_silent(boot: Boot) -> None:
    with boot(Disc()) as machine:
        text = machine.wait(END).text
        assert text.startswith("(XEN) Xen version")
        assert "prestage" not in machine.xen_log()
    assert parse_report(text).command_line == LOG_ARGS
    assert parse_report(text).ramdisk is None


@pytest.mark.parametrize(("vcpus", "there"), [(1, 1), (2, 2), (4, 4), (7, 4)])
def test_as_many_processors_as_vcpus(boot: Boot, vcpus: int, there: int) -> None:
    params = Params(verbose=1, vcpus=vcpus, event_vector=0xF1)
    with boot(Disc(params), processors=4) as machine:
        text = machine.wait(END).text
        told = machine.xen_log().partition("(XEN)")[0]  # from there on the shim's own
    trimmed = f"prestage: processors listed: 4, kept: {there}\n"
    assert (trimmed in told) == (there < 4)
    assert "prestage: no Xen here, so no event vector is set\n" in told
    assert text.startswith(told)
    assert told.endswith("prestage: entering the shim at 0x200000\n")
    assert f"SMP: Allowing {there} CPUs (0 hotplug CPUs)" in text
    assert f"Dom1 has maximum {there} VCPUs" in text


def test_without_xen_no_room_is_made(boot: Boot) -> None:
    with boot(Disc(Params(verbose=1, block=(128 << 20, 1 << 30)))) as machine:
        machine.wait(END)
        assert "prestage: no Xen here, so no room is made\n" in machine.xen_log()
        assert guest_line(machine) == Params().guest_line


@pytest.mark.parametrize(
    "make", [guests.two_part_ramdisk, lambda: guests.filler_ramdisk(2_000_001)], ids=["gzip", "odd"]
)
def test_ramdisks_arrive_byte_for_byte(boot: Boot, make: Callable[[], bytes]) -> None:
    ramdisk = make()
    with boot(Disc(ramdisk=ramdisk)) as machine:
        span = parse_report(machine.wait(END).text).ramdisk
        assert span is not None
        assert machine.memory(span.start, span.size) == ramdisk


def test_a_gzipped_kernel_is_the_shims_to_unpack(boot: Boot) -> None:
    with boot(ZIPPED) as machine:
        assert parse_report(machine.wait(END).text).kernel is not None


WITH_RAMDISK = Disc(ramdisk=b"\x1f\x8b ramdisk")
ZIPPED = Disc(kernel=gzip.compress(pv_kernel(), mtime=0))


def changed(disc: Disc, name: str, content: bytes) -> dict[str, bytes]:
    """Return a disc's modules, one of which is not what the parameter file says."""
    return disc.files() | {name: content}


def without(*names: str) -> dict[str, bytes]:
    return {name: file for name, file in WITH_RAMDISK.files().items() if name not in names}


def damaged_params() -> dict[str, bytes]:
    params = WITH_RAMDISK.files()["params"]
    return changed(WITH_RAMDISK, "params", params.replace(b"xvda1", b"xvda2"))


WRONG: dict[str, Callable[[], dict[str, bytes]]] = {
    "the parameter file is damaged: its checksum is wrong": damaged_params,
    "the parameter file wants 129 vCPUs": Disc(Params(vcpus=129)).files,
    "the second module is no parameter file": lambda: without("params"),
    "the boot loader gave 2 modules instead of": lambda: without("kernel", "ramdisk"),
    "the ramdisk has 0 bytes, not 4096 + 10": lambda: without("ramdisk"),
    # The loader unzips a kernel that has no guard.
    f"the kernel has {len(pv_kernel())} bytes, not 4096 +": lambda: changed(
        ZIPPED, "kernel", ZIPPED.kernel or b""
    ),
    "the shim is no program for 32-bit x86 in ELF format": Disc(shim=bytes(100)).files,
    "the shim has no loadable segment": Disc(shim=elf(Segment(kind=4))).files,
    "the shim wants 0x1000001 bytes of memory at": Disc(
        shim=elf(Segment(memsz=ROOM_END - ROOM + 1))
    ).files,
}


@pytest.mark.parametrize("why", WRONG)
def test_one_line_says_what_is_wrong(boot: Boot, why: str) -> None:
    with boot(WRONG[why]()) as machine:
        text = machine.wait(REFUSED, 120).text
        assert text.startswith(f"prestage: cannot start the guest: {why}")
        assert text == machine.serial() == machine.xen_log()
        for _ in range(20):  # still there, not started again
            assert machine.halted()
        assert text == machine.serial()
