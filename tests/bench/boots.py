"""From `xl create` to the shim's first line, in the nested dom0 of the e2e tests.

The layout of 2018 (an ISO of grub-mkrescue on QEMU's IDE CD, by -cdrom) against ours.
"""

import os
import shutil
import statistics
import sys
import time
from pathlib import Path

from tests.bench.command import FOLDER, SHIMTOOL, Section
from tests.e2e.host import RELEASES, host
from tests.e2e.nested_xen import Kept, Machine, machine
from tests.support import debs
from tests.support.guests import filler_ramdisk
from tests.support.programs import run

RUNS = 3
RAMDISK_SIZE = 20_000_000
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
# Only a shim's own log has these lines.
SEEN = r"""
xl create "$1" || exit 1
i=0
until grep -q '(XEN)\|Xen version' "/run/console/guest-$2.log" 2> /dev/null; do
    i=$((i + 1)); test $i -lt 900 || exit 1
    sleep 0.2
done
"""


def _files(home: Path) -> None:
    """Fill /guest of dom0: configs, kernel, ramdisk, both kinds of ISO."""
    for name in ("etc", "boot", "out", "tree/boot/grub"):
        (home / name).mkdir(parents=True)
    shutil.copy(debs.kernel(), home / "boot/vmlinuz")
    (home / "boot/initrd").write_bytes(filler_ramdisk(RAMDISK_SIZE))
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


def _seconds(dom0: Machine, config: str, name: str) -> float:
    dom0.run(f"rm -f /run/console/guest-{name}.log")
    started = time.monotonic()
    output = dom0.run(f"set -- {config} {name}\n{SEEN}", 300)
    took = time.monotonic() - started
    if output.code:
        sys.exit(f"bench: {config} did not start its shim: {output.text} (see {dom0.logs})")
    dom0.run(f"xl destroy {name}; sleep 2", 120)
    return took


def measure() -> Section:
    """Boot each several times, in turn, every round in a fresh dom0."""
    home = FOLDER / "boots"
    _files(home)
    layouts = {
        "2018: GRUB, IDE CD, -cdrom": ("/guest/out/grub.cfg", "grub"),
        "ours, HVM: ISOLINUX, AHCI": ("/guest/out/hvm/ours.cfg", "ours"),
        "ours, PVH: no ISO": ("/guest/out/pvh/ours.cfg", "ours"),
    }
    took: dict[str, list[float]] = {name: [] for name in layouts}
    for number in range(RUNS):
        with machine(host(RELEASES[HOST]), Kept(FOLDER / f"boot-logs-{number}", home)) as dom0:
            for name, (config, guest) in layouts.items():
                took[name].append(_seconds(dom0, config, guest))
    shutil.rmtree(home)
    medians = {name: statistics.median(each) for name, each in took.items()}
    first = next(iter(medians.values()))
    return Section(
        f"From xl create to the shim's first line (Xen {HOST}, nested in QEMU)",
        ["layout", "time", "/ 2018"],
        [[name, f"{each:.1f} s", f"{each / first:.2f}x"] for name, each in medians.items()],
        list(medians.items()),
        f"Kernel and a {RAMDISK_SIZE / 1e6:.0f} MB ramdisk; medians of {RUNS} starts. All "
        "are slow in an emulated host; ratios on hardware were not measured.",
    )
