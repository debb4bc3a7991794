"""Golden pairs: a config of the wild, and the config (or the refusal) that comes of it.

What is written is read back by xl's own parser, which must see what was planned.
"""

import gzip
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from shimtool import show
from shimtool.drafts import Outcome, new_config, plan_guests
from shimtool.errors import ShimtoolError
from shimtool.options import GuestOptions
from shimtool.session import Session, open_session
from tests.support import debs, disks
from tests.support.dom0 import make_dom0
from tests.xl.oracle import reading

DATA = Path(__file__).parent / "data"
CASES = sorted(path for path in DATA.glob("*.cfg") if not path.name.endswith(".expected.cfg"))
HOSTS = {"hvm": None, "4.9.2": "4.9.2", "pvh": "4.17.7"}


# The disk of the guest in pygrub-with-root.cfg.
_GUEST = {
    "/boot/grub/grub.cfg": disks.grub_cfg(
        ("Debian GNU/Linux", "/boot/vmlinuz", "root=/dev/xvda2 ro  quiet", "/boot/initrd.img")
    ),
    "/boot/vmlinuz": debs.kernel().read_bytes(),
    "/boot/initrd.img": b"070701" + bytes(500),
}


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    dom0 = make_dom0(tmp_path_factory.mktemp("golden"))
    (dom0.boot / "not-pv").write_bytes(debs.xen_shim().read_bytes())
    (dom0.boot / "initrd-ext2").write_bytes(gzip.compress(bytes(1080) + b"\x53\xef" + bytes(999)))
    disk = disks.ext(dom0.root / "disk.img", _GUEST)
    maps = [f"/boot={dom0.boot}", f"/dev/vg0/db01-disk={disk}"]
    return {
        name: open_session(GuestOptions(map=maps, out=dom0.out, xen=xen))
        for name, xen in HOSTS.items()
    }


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_golden(
    case: Path, host: str, sessions: dict[str, Session], golden: Callable[[Path, bytes], None]
) -> None:
    (outcome,) = plan_guests([case], sessions[host])
    assert (outcome.status == "refused") == (
        case.name.startswith("refused-") and not _fine(case, host)
    ), outcome.faults
    if outcome.plan:
        config = new_config(outcome)
        golden(DATA / "expected" / f"{case.stem}.{host}.cfg", _lasting(config))
        _parsed_by_xl(outcome, config)
    else:
        text = show.error(ShimtoolError(*outcome.faults)).replace(str(case.parent), "")
        golden(DATA / "expected" / f"{case.stem}.{host}.txt", f"{_anonymous(text)}\n".encode())


def _fine(case: Path, host: str) -> bool:
    """In PVH mode xl hands everything over itself: the boot loader's limits do not hold."""
    return host == "pvh" and case.stem in (
        "refused-command-line-the-loader-mangles",
        "refused-ramdisk-with-file-system",
    )


def _lasting(config: bytes) -> bytes:
    """Leave out the hashes of Debian's shim, GRUB and kernel, which get updates."""
    return re.sub(rb"(xen-shim|pvgrub|kernel)-[0-9a-f]{16}", rb"\1-HASH", config)


def _anonymous(text: str) -> str:
    """Leave out the temporary folder that stands for dom0's /boot."""
    return re.sub(r"/\S*/golden\d+/", "HERE/", text)


def _parsed_by_xl(outcome: Outcome, config: bytes) -> None:
    """libxlutil reads each setting as planned, and no retired key."""
    assert outcome.plan
    gone = set(outcome.plan.edits.retire) - {key for key, _ in outcome.plan.edits.settings}
    with reading(config) as seen:
        assert seen.accepted
        for key, value in outcome.plan.edits.settings:
            items = [os.fsencode(item) for item in value] if isinstance(value, tuple) else None
            assert seen.value(key) == (items or str(value).encode()), key
        assert [key for key in gone if seen.value(key) is not None] == []
