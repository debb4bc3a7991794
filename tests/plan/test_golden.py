"""Golden pairs: a config of the wild, and the config (or the refusal) that comes of it.

What is written is read back by xl's own parser, which must see what was planned.
"""

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool import text
from shimtool.commands.planning import Planned, Refused, plan_guests
from shimtool.commands.run import Run, open_run
from shimtool.commands.settings import GuestSettings
from shimtool.errors import ShimtoolError
from tests.plan.support import CASES, DATA
from tests.support import debs, disks
from tests.support import kernel_builder as craft
from tests.support.dom0 import EMPTY_CPIO, Dom0, make_dom0
from tests.support.libxlu import reading

HOSTS = {"hvm": None, "4.9.2": "4.9.2", "pvh": "4.17.7"}


# The disk of the guest in pygrub-with-root.cfg.
_GUEST = {
    "/boot/grub/grub.cfg": disks.grub_cfg(
        ("Debian GNU/Linux", "/boot/vmlinuz", "root=/dev/xvda2 ro  quiet", "/boot/initrd.img")
    ),
    "/boot/vmlinuz": debs.kernel().read_bytes(),
    "/boot/initrd.img": b"070701" + bytes(500),
}


_NAMED = re.compile(r"""(?m)^\s*(kernel|ramdisk)\s*=\s*['"](/[^'"]+)""")
_OF_32_BITS = re.compile(r"686|i386|_32|freebsd")
_KERNEL_32 = craft.elf(bits=32, sections={b"__xen_guest": (1, craft.LEGACY)})
_KERNEL_64 = craft.elf(sections={b".notes": (7, craft.notes(craft.PV_NOTES))})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    dom0 = make_dom0(tmp_path_factory.mktemp("golden"))
    (dom0.boot / "not-pv").write_bytes(debs.xen_shim().read_bytes())
    (dom0.boot / "initrd-ext2").write_bytes(gzip.compress(bytes(1080) + b"\x53\xef" + bytes(999)))
    disk = disks.ext(dom0.root / "disk.img", _GUEST)
    elsewhere = _boot_files(dom0)
    maps = [f"/boot={dom0.boot}", f"/dev/vg0/db01-disk={disk}", *elsewhere]
    return {
        name: open_run(GuestSettings(map=maps, out=dom0.out, xen=xen))
        for name, xen in HOSTS.items()
    }


def _boot_files(dom0: Dom0) -> list[str]:
    """Make each kernel and ramdisk the configs name and dom0 lacks; returns --map values."""
    folders = set()
    for case in CASES:
        for key, name in _NAMED.findall("" if _keeps(case) else case.read_text()):
            at = dom0.boot / name[6:] if name.startswith("/boot/") else dom0.root / name[1:]
            if at.exists() or "/gone" in name:
                continue
            at.parent.mkdir(parents=True, exist_ok=True)
            kernel = _KERNEL_32 if _OF_32_BITS.search(name) else _KERNEL_64
            data = EMPTY_CPIO if key == "ramdisk" else kernel
            at.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
            folders.add(name.split("/")[1])
    return [f"/{folder}={dom0.root / folder}" for folder in folders - {"boot"}]


def _keeps(case: Path) -> bool:
    """Whether the config is about a kernel that is missing."""
    return case.stem == "refused-suse-kernel-in-dom0"


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_golden(
    case: Path, host: str, runs: dict[str, Run], golden: Callable[[Path, bytes], None]
) -> None:
    (outcome,) = plan_guests([case], runs[host])
    assert isinstance(outcome, Refused) == (
        case.name.startswith("refused-") and not _fine(case, host)
    ), outcome
    if isinstance(outcome, Planned):
        config = outcome.new_config
        golden(DATA / "expected" / f"{case.stem}.{host}.cfg", _lasting(config))
        _parsed_by_xl(outcome, config)
    else:
        lines = text.error(ShimtoolError(*outcome.faults)).replace(str(case.parent), "")
        golden(DATA / "expected" / f"{case.stem}.{host}.txt", f"{_anonymous(lines)}\n".encode())


def _fine(case: Path, host: str) -> bool:
    """In PVH mode xl hands everything over itself: the boot loader's limits do not hold."""
    return host == "pvh" and case.stem in (
        "refused-command-line-the-loader-mangles",
        "refused-ramdisk-with-file-system",
        "refused-debian-installer-three-dashes",
        "refused-read-only-drbd",
    )


def _lasting(config: bytes) -> bytes:
    """Leave out the hashes of Debian's shim, GRUB and kernel, which get updates."""
    return re.sub(rb"(xen-shim|pvgrub|kernel)-[0-9a-f]{16}", rb"\1-HASH", config)


def _anonymous(text: str) -> str:
    """Leave out the temporary folder that stands for dom0's /boot."""
    return re.sub(r"/\S*/golden\d+/", "HERE/", text)


def _parsed_by_xl(outcome: Planned, config: bytes) -> None:
    """libxlutil reads each setting as planned, and no retired key."""
    gone = set(outcome.plan.edits.comment_out) - {key for key, _ in outcome.plan.edits.settings}
    with reading(config) as seen:
        assert seen.accepted
        for key, value in outcome.plan.edits.settings:
            items = [os.fsencode(item) for item in value] if isinstance(value, tuple) else None
            assert seen.value(key) == (items or str(value).encode()), key
        assert [key for key in gone if seen.value(key) is not None] == []
