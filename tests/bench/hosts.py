"""Whole hosts of 10, 100 and 1,000 guests that share a kernel: time, memory, disk.

HVM mode, where each guest gets an ISO of its own; cp copies the same payload as often. And one of
20,000 guests in PVH mode, where a guest is a config.
"""

import shutil
from pathlib import Path

from tests.bench.command import FOLDER, SHIMTOOL, Command, Section
from tests.support import debs
from tests.support.dom0 import KERNEL, Dom0, make_dom0

COUNTS, MANY = (10, 100, 1000), 20_000
HEADS = ("guests", "`convert`", "/ cp", "again", "`status`", "`scan`", "peak memory", "disk")


def _disk(folder: Path) -> float:
    """Return what a folder takes on disk, in MB."""
    return sum(path.stat().st_blocks * 512 for path in folder.iterdir()) / 1e6


def _host(count: int) -> tuple[Dom0, Command]:
    """Lay a host out; return it, and cp of its guests' payload."""
    root = FOLDER / f"host-{count}"
    root.mkdir()
    dom0 = make_dom0(root, debs.kernel().read_bytes())
    for number in range(count):
        dom0.guest(f"web{number:04}")
    copies = root / "copies"
    copies.mkdir()
    script = 'for i in $(seq "$1"); do cat "$2" "$3" > "$4/$i"; done; sync "$4"/*'
    payload = [dom0.boot / Path(KERNEL).name, debs.xen_shim()]
    return dom0, Command("cp", ["sh", "-c", script, "sh", str(count), *payload, copies])


def _many() -> list[str]:
    """Measure 20,000 guests in PVH mode."""
    dom0, _copy = _host(MANY)
    first, _again, cells = _measured(dom0, ["--xen", "4.17.2"], 1)
    return [f"{MANY:,} (PVH)", f"{first:.1f} s", "", *cells]


def _row(count: int) -> tuple[list[str], dict[str, float]]:
    dom0, copy = _host(count)
    copied = copy.runs(1)
    first, again, cells = _measured(dom0, ["--mode", "hvm"], 3)
    row = [f"{count:,}", f"{first:.1f} s", f"{first / copied:.1f}x", *cells]
    bars = {f"cp, {count:,}": copied, f"convert, {count:,}": first, f"again, {count:,}": again}
    return row, bars


def _measured(dom0: Dom0, options: list[str], runs: int) -> tuple[float, float, list[str]]:
    """Return seconds of convert, seconds of it again, and the cells from `again` on."""
    shutil.rmtree(dom0.root / "copies")
    out: list[str | Path] = ["--out", dom0.out]
    inputs: list[str | Path] = ["--in", dom0.configs, "--map", f"/boot={dom0.boot}", *options]
    convert = Command("convert", [*SHIMTOOL, "convert", *inputs, *out])
    first = convert.runs(1)
    memory, disk = convert.memory, _disk(dom0.out)
    again = convert.runs(runs)
    status = Command("status", [*SHIMTOOL, "status", *out]).runs(runs)
    scan = Command("scan", [*SHIMTOOL, "scan", *inputs, *out]).runs(runs)
    shutil.rmtree(dom0.root)
    cells = [f"{again:.2f} s", f"{status:.2f} s", f"{scan:.2f} s"]
    return first, again, [*cells, f"{memory / 1024:.0f} MB", f"{disk:,.0f} MB"]


def measure() -> Section:
    """Run it all; takes 16 GB of disk for a while."""
    made = [_row(count) for count in COUNTS]
    return Section(
        "Whole hosts (guests share one kernel; HVM mode where nothing else is said)",
        HEADS,
        [*(row for row, _ in made), _many()],
        [bar for _, bars in made for bar in bars.items()],
        "Again: nothing changed, nothing is written. cp writes and syncs each guest's payload.",
    )
