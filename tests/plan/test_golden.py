"""Golden pairs: a config from a real host, and the config (or the refusal) that comes of it.

What is written is read back by xl's own parser, which must see what was planned.
"""

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool.commands.outcomes import Planned, Refused
from shimtool.commands.run import Run
from shimtool.commands.settings import GuestSettings
from shimtool.model import KernelBoot, Syntax
from tests.plan.support import CASES, DATA
from tests.support import debs, disks
from tests.support.dom0 import EMPTY_CPIO, Dom0
from tests.support.kernel_builder import LEGACY, PV_NOTES, elf, notes, small_kernel
from tests.support.libxlu import reading
from tests.support.planning import outcome_of, refusal_text, run_on, without_hashes

HOSTS = {"hvm": None, "4.9.2": "4.9.2", "pvh": "4.17.7"}


# The disk of the guest in pygrub-with-entry.cfg.
_GUEST_FILES = {
    "/boot/grub/grub.cfg": disks.grub_cfg(
        ("Debian GNU/Linux", "/boot/vmlinuz", "root=/dev/xvda2 ro  quiet", "/boot/initrd.img")
    ),
    "/boot/vmlinuz": small_kernel(),
    "/boot/initrd.img": b"070701" + bytes(500),
}


_NAMED = re.compile(r"""(?m)^\s*(kernel|ramdisk)\s*=\s*['"](/[^'"]+)""")
_OF_32_BITS = re.compile(r"686|i386|_32|freebsd")
_KERNEL_32 = elf(bits=32, sections={b"__xen_guest": (1, LEGACY)})
_KERNEL_64 = elf(sections={b".notes": (7, notes(PV_NOTES))})


@pytest.fixture(scope="module")
def runs(dom0: Dom0) -> dict[str, Run]:
    (dom0.boot / "not-pv").write_bytes(debs.xen_shim().read_bytes())
    (dom0.boot / "initrd-ext2").write_bytes(gzip.compress(bytes(1080) + b"\x53\xef" + bytes(999)))
    disk = disks.ext(dom0.root / "disk.img", _GUEST_FILES)
    elsewhere = _boot_files(dom0)
    maps = [f"/dev/vg0/db01-disk={disk}", *elsewhere]
    return {name: run_on(dom0, GuestSettings(map=maps, xen=xen)) for name, xen in HOSTS.items()}


def _boot_files(dom0: Dom0) -> list[str]:
    """Make each kernel and ramdisk the configs name and dom0 lacks; returns --map values."""
    folders = set()
    for case in CASES:
        for key, name in _NAMED.findall("" if _lacks_kernel(case) else case.read_text()):
            at = dom0.boot / name[6:] if name.startswith("/boot/") else dom0.root / name[1:]
            if at.exists() or "/gone" in name:
                continue
            at.parent.mkdir(parents=True, exist_ok=True)
            kernel = _KERNEL_32 if _OF_32_BITS.search(name) else _KERNEL_64
            data = EMPTY_CPIO if key == "ramdisk" else kernel
            at.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
            folders.add(name.split("/")[1])
    return [f"/{folder}={dom0.root / folder}" for folder in folders - {"boot"}]


def _lacks_kernel(case: Path) -> bool:
    """Whether the config is about a kernel that is missing."""
    return case.stem == "refused-suse-kernel-in-dom0"


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_golden(
    case: Path, host: str, dom0: Dom0, runs: dict[str, Run], golden: Callable[[Path, bytes], None]
) -> None:
    outcome = outcome_of(case, runs[host])
    assert isinstance(outcome, Refused) == (
        case.name.startswith("refused-") and not _convertible(case, host)
    ), outcome
    if isinstance(outcome, Planned):
        config = without_hashes(outcome.new_config)
        golden(DATA / "expected" / f"{case.stem}.{host}.cfg", config)
        _parsed_by_xl(outcome)
        _same_line(outcome)
    else:
        golden(DATA / "expected" / f"{case.stem}.{host}.txt", refusal_text(outcome, dom0))
        told = [(fault.message, fault.where, fault.seen) for fault in outcome.faults]
        assert len(set(told)) == len(told), "one cause is told twice"


def _convertible(case: Path, host: str) -> bool:
    """In PVH mode a disk stays what it is, and so does any boot loader."""
    return host == "pvh" and case.stem in (
        "refused-read-only-drbd",
        "refused-other-boot-loader",
        "refused-other-boot-loader-with-a-kernel",
        "refused-pygrub-with-arguments",
        "refused-pypxeboot",
        "refused-suse-domuloader",
        "refused-xenserver-eliloader",
    )


def _parsed_by_xl(outcome: Planned) -> None:
    """libxlutil reads each setting as planned, and no retired key."""
    settings = dict(outcome.plan.edits.settings)
    with reading(outcome.new_config) as seen:
        assert seen.accepted
        for key, value in settings.items():
            items = [os.fsencode(item) for item in value] if isinstance(value, tuple) else None
            assert seen.value(key) == (items or str(value).encode()), key
        retired = set(outcome.plan.edits.comment_out) - settings.keys()
        assert [key for key in retired if seen.value(key) is not None] == []


def _same_line(outcome: Planned) -> None:
    """The kernel's line is what xl joins of the values that libxlutil reads in the old config."""
    guest, data = outcome.plan.guest, outcome.parsed.config.data
    if not isinstance(guest.boot, KernelBoot) or guest.syntax is not Syntax.XL:
        return
    with reading(data) as seen:
        assert seen.accepted
        line, root, extra = map(seen.value, ("cmdline", "root", "extra"))
    named = ((b"root=", root), (b"", extra)) if line is None else ((b"", line),)
    expected = b" ".join(before + part for before, part in named if isinstance(part, bytes))
    assert os.fsencode(outcome.plan.image.command_line) == expected
