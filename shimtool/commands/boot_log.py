"""What a shim says while it boots, read from its log on a serial port and from its memory.

With LOG_ARGS on its command line a shim logs to the first serial
port, also on a machine without Xen, where it gets as far as building its guest and then panics
for want of a hypervisor: by then loader, shim, kernel and ramdisk have proven themselves.
Lines and meanings were observed with shims 4.14, 4.17 and 4.20 under QEMU 7.2.
"""

import mmap
import re
from pathlib import Path

from shimtool.deferred import dataclass, regex

# noreboot: the machine stays as it is after the panic, so that its memory can be looked at.
LOG_ARGS = "pv-shim console=com1,xen com1=115200,8n1 loglvl=all noreboot"

# Once this matches, a shim has nothing more to say that `parse_report` looks for.
END = regex(r"Panic on CPU \d+:\s+\(XEN\) [^\r\n]+\r?\n")

_SPAN = r"(?:0x)?([0-9a-f]+)\s*->\s*(?:0x)?([0-9a-f]+)"  # zero comes without 0x
_VERSION = regex(r"^\(XEN\) Xen version (\S+)", re.MULTILINE)
_COMMAND_LINE = regex(r"^\(XEN\) Command line: ?([^\r\n]*)", re.MULTILINE)
_KERNEL = regex(rf"\b\w+ kernel: [^\r\n]*\bpaddr {_SPAN}")
_RAMDISK = regex(rf"\bInit\. ramdisk:\s*{_SPAN}")
_PANIC = regex(r"Panic on CPU \d+:\s+\(XEN\) ([^\r\n]+)")


@dataclass(frozen=True, slots=True)
class Span:
    """A range of addresses in bytes; `end` is the first byte after it."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class BootReport:
    """What a shim's log told; None = it did not get that far, or there is no such thing.

    `kernel` is the unpacked image in the guest's own physical addresses: lowest p_paddr to the
    end of the last loaded segment. `ramdisk` is the module in machine addresses, its size that
    of the file in bytes. `command_line` is the shim's own, on a machine without Xen without
    its first word. `panic` is the first line of the panic that ended the boot.
    """

    version: str | None = None
    command_line: str | None = None
    kernel: Span | None = None
    ramdisk: Span | None = None
    panic: str | None = None


def parse_report(log: str) -> BootReport:
    """Read a report out of a serial log; what else is in it does not matter. Never raises."""
    return BootReport(
        version=_word(_VERSION, log),
        command_line=_word(_COMMAND_LINE, log),
        kernel=_span(_KERNEL, log),
        ramdisk=_span(_RAMDISK, log),
        panic=_word(_PANIC, log),
    )


def _word(pattern: re.Pattern[str], log: str) -> str | None:
    found = pattern.search(log)
    return found[1] if found else None


def _span(pattern: re.Pattern[str], log: str) -> Span | None:
    found = pattern.search(log)
    return Span(int(found[1], 16), int(found[2], 16)) if found else None


# struct start_info of 64 bits (Xen's public/xen.h) begins a page: a magic, then the fields before
# cmd_line. A shim puts that of a 32-bit guest into its own form later than it panics without Xen.
_START_INFO = regex(rb"xen-3\.0-x86_(?:32|64)p?\0")
_PAGE, _LINE_AT, _LINE_SIZE = 4096, 128, 1024


def guest_lines(ram: Path) -> list[bytes]:
    """Return the kernel command lines of all start_infos in a file that holds a machine's RAM."""
    with ram.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
        found = [match for match in _START_INFO.finditer(memory) if not match.start() % _PAGE]
        begins = [match.start() + _LINE_AT for match in found]
        return [memory[at : at + _LINE_SIZE].partition(b"\0")[0] for at in begins]
