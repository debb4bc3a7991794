"""From `xl create` to the shim's first line and until the guest is up (its init says so), in the
nested dom0 of the e2e tests.

The guest as it was, converted in both modes, and in the layout of 2018 (an ISO of grub-mkrescue on
QEMU's IDE CD, by -cdrom).
"""

import os
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.command import FOLDER, SHIMTOOL, Section
from tests.e2e.host import RELEASES, host
from tests.e2e.nested_xen import Kept, Machine, machine
from tests.support import debs
from tests.support.guests import busybox_ramdisk, filler_ramdisk
from tests.support.programs import run

RUNS = 2
FILLER_SIZE = 20_000_000
HOST = "4.17"
# What a 2018 converter's users had; no emulated screen, as with ours.
LAYOUT_2018 = """\
name = "grub"
builder = "hvm"
memory = 512
vcpus = 1
boot = "d"
vga = "none"
device_model_args_hvm = ["-cdrom", "/guest/out/grub.iso"]
"""
GRUB = """\
multiboot /shim placeholder pv-shim console=xen,pv
module /vmlinuz placeholder console=hvc0
module /initrd
boot
"""
# Only a shim's own log has this; only the running guest says that.
SHIM, GUEST = r"(XEN)\|Xen version", "sample guest is up"
WAIT = r"""
i=0
until grep -q "$1" "/run/console/guest-$2.log" 2> /dev/null; do
    i=$((i + 1)); test $i -lt 1500 || exit 1
    sleep 0.2
done
"""


@dataclass(frozen=True)
class Layout:
    """A guest's config in dom0: how often it is started, and whether a shim tells of itself."""

    name: str
    config: str
    guest: str = "ours"
    runs: int = RUNS
    shim: bool = True


OLD = Layout("2018: GRUB, IDE CD, -cdrom", "/guest/out/grub.cfg", "grub", 1)  # takes minutes
NATIVE = Layout("native PV, no shim", "/guest/etc/ours.cfg", shim=False)
LAYOUTS = (
    OLD,
    NATIVE,
    Layout("ours, HVM: ISOLINUX, AHCI", "/guest/out/hvm/ours.cfg"),
    Layout("ours, PVH: no ISO", "/guest/out/pvh/ours.cfg"),
)


def _files(home: Path) -> None:
    """Fill /guest of dom0: configs, kernel, ramdisk, both kinds of ISO."""
    for name in ("etc", "boot", "out", "tree/boot/grub"):
        (home / name).mkdir(parents=True)
    shutil.copy(debs.kernel(), home / "boot/vmlinuz")
    (home / "boot/initrd").write_bytes(filler_ramdisk(FILLER_SIZE) + busybox_ramdisk())
    (home / "etc/ours.cfg").write_text(
        'name = "ours"\nkernel = "/guest/boot/vmlinuz"\nramdisk = "/guest/boot/initrd"\n'
        'memory = 512\nextra = "console=hvc0"\n'
    )
    for mode in ("hvm", "pvh"):
        run(
            [
                *(*SHIMTOOL, "convert", "--in", home / "etc", "--out", home / "out" / mode),
                *("--host-out", f"/guest/out/{mode}", "--map", f"/guest={home}"),
                *("--xen", HOST, "--mode", mode),
            ],
        )
    tree = home / "tree"
    for file, name in [(home / "boot/vmlinuz", "vmlinuz"), (home / "boot/initrd", "initrd")]:
        os.link(file, tree / name)
    shutil.copy(debs.xen_shim(), tree / "shim")
    (tree / "boot/grub/grub.cfg").write_text(GRUB)
    run(["grub-mkrescue", "-o", home / "out/grub.iso", tree])
    shutil.rmtree(tree)
    (home / "out/grub.cfg").write_text(LAYOUT_2018)


def _seconds(dom0: Machine, layout: Layout) -> list[float]:
    """Start it; return the seconds to the shim's first line, if any, and to the guest's init."""
    guest = layout.guest
    dom0.run(f"rm -f /run/console/guest-{guest}.log")
    started, took = time.monotonic(), []
    output = dom0.run(f"xl create {layout.config}", 300)
    for seen in [SHIM, GUEST] if layout.shim else [GUEST]:
        output = output if output.code else dom0.run(f"set -- '{seen}' {guest}\n{WAIT}", 600)
        took.append(time.monotonic() - started)
    if output.code:
        sys.exit(f"bench: {layout.config} did not start: {output.text} (see {dom0.logs})")
    dom0.run(f"xl destroy {guest}; sleep 2", 120)
    return took


def measure() -> Section:
    """Boot each, several times in turn, every round in a fresh dom0."""
    home = FOLDER / "boots"
    _files(home)
    took: dict[Layout, list[list[float]]] = {layout: [] for layout in LAYOUTS}
    for number in range(RUNS):
        with machine(host(RELEASES[HOST]), Kept(FOLDER / f"boot-logs-{number}", home)) as dom0:
            for layout in LAYOUTS:
                if number < layout.runs:
                    took[layout].append(_seconds(dom0, layout))
    shutil.rmtree(home)
    medians = {
        each: list(map(statistics.median, zip(*runs, strict=True))) for each, runs in took.items()
    }
    return Section(
        f"From xl create (Xen {HOST}, nested in QEMU)",
        ["layout", "to the shim's first line", "/ 2018", "until the guest is up", "/ native PV"],
        [_row(each, *medians[each], old=medians[OLD], native=medians[NATIVE]) for each in LAYOUTS],
        [(each.name, medians[each][-1]) for each in LAYOUTS],
        f"Debian's kernel, a ramdisk of {FILLER_SIZE / 1e6:.0f} MB; medians of {RUNS} starts, "
        "one of 2018's. All are slow in an emulated host.",
    )


def _row(
    layout: Layout, *seconds: float, old: Sequence[float], native: Sequence[float]
) -> list[str]:
    *shim, guest = seconds
    first = [f"{shim[0]:.1f} s", f"{shim[0] / old[0]:.2f}x"] if shim else ["", ""]
    return [layout.name, *first, f"{guest:.1f} s", f"{guest / native[-1]:.1f}x"]
