"""`make bench`: one guest against cp, xorriso and grub-mkrescue, as ratios taken in one run.

Every command runs as a process of its own, in turn, several times; medians are compared. Each
peer packs the same payload: Debian's kernel, a 40 MB ramdisk, the shim.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing import Process
from pathlib import Path

from tests.support import debs
from tests.support.debs import ROOT
from tests.support.dom0 import RAMDISK, Dom0, make_dom0
from tests.support.guests import filler_ramdisk

FOLDER = ROOT / "build" / "bench"
RUNS = 7
RAMDISK_SIZE = 40_000_000


@dataclass
class Row:
    """One command: how to run it, what to clear before, and what its runs cost."""

    name: str
    argv: Sequence[str | Path]
    before: Callable[[], None] = lambda: None
    wall: list[float] = field(default_factory=list)
    memory: int = 0  # peak resident set, KiB

    def run(self) -> None:
        self.before()
        start = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in self.argv],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _pid, status, usage = os.wait4(process.pid, 0)
        self.wall.append(time.monotonic() - start)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"bench: {self.name} failed with exit code {process.returncode}")
        self.memory = max(self.memory, usage.ru_maxrss)

    @property
    def median(self) -> float:
        return statistics.median(self.wall)


def rows(dom0: Dom0) -> list[Row]:
    """List what is compared."""
    tree, copy, out = FOLDER / "tree", FOLDER / "copy", dom0.out
    tree.mkdir()
    payload = [debs.kernel(), dom0.boot / Path(RAMDISK).name, debs.xen_shim()]
    for file in payload:
        os.link(file, tree / file.name)
    ours = [sys.executable, "-m", "shimtool"]
    folders = ["--in", dom0.configs, "--out", out, "--map", f"/boot={dom0.boot}"]
    convert = [*ours, "convert", *map(str, folders)]
    synced = 'cp "$@"; for copy; do :; done; sync "$copy"/*'  # ours are on disk when it ends
    peer = FOLDER / "peer.iso"

    def emptied(folder: Path) -> Callable[[], None]:
        def clear() -> None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()

        return clear

    return [
        Row("cp (the same payload)", ["cp", *payload, copy], emptied(copy)),
        Row(
            "cp, then sync of the copies", ["sh", "-c", synced, "sh", *payload, copy], emptied(copy)
        ),
        Row("shimtool --version (Python's start)", [*ours, "--version"]),
        Row("shimtool convert, kernel seen before", [*convert, "--force"]),
        Row("shimtool convert, first time", convert, emptied(out)),
        Row("shimtool convert, nothing changed", convert),
        Row("xorriso -as mkisofs", ["xorriso", "-as", "mkisofs", "-o", peer, tree]),
        Row("grub-mkrescue", ["grub-mkrescue", "-o", peer, tree]),
    ]


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    dom0 = make_dom0(FOLDER)
    dom0.guest()
    # In a process of its own: a child's peak memory counts from its parent's size.
    maker = Process(target=_make_ramdisk, args=(dom0.boot / Path(RAMDISK).name,))
    maker.start()
    maker.join()
    table = rows(dom0)
    first = next(row for row in table if "first" in row.name)
    for row in table:  # one warm-up each; what is not counted
        row.run()
        row.wall.clear()
    for _ in range(RUNS):
        for row in (first, *(each for each in table if each is not first)):
            row.run()
    _print(table)
    payload = sum(path.stat().st_size for path in (FOLDER / "tree").iterdir())
    overhead = (dom0.out / "web01.iso").stat().st_size - payload
    print(f"\nISO overhead over its payload of {payload / 1e6:.1f} MB: {overhead / 1e6:.2f} MB")


def _make_ramdisk(path: Path) -> None:
    path.write_bytes(filler_ramdisk(RAMDISK_SIZE))


def _print(table: Sequence[Row]) -> None:
    cp, start = table[0].median, table[2].median
    print(f"median of {RUNS} runs, in turn; work = time less Python's start\n")
    print(f"| {'command':38} |    time |   / cp | work / cp | peak memory |")
    print(f"|{'-' * 40}|--------:|-------:|----------:|------------:|")
    for row in table:
        ours = row.name.startswith("shimtool c")
        work = f"{(row.median - start) / cp:8.1f}x" if ours else ""
        print(
            f"| {row.name:38} | {row.median:5.3f} s | {row.median / cp:5.1f}x | {work:>9} |"
            f" {row.memory / 1024:8.1f} MB |"
        )


if __name__ == "__main__":
    main()
