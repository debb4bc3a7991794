"""One guest against cp, xorriso and grub-mkrescue.

Commands run in turn, several times; medians are compared. Each peer packs the same payload:
Debian's kernel, a 40 MB ramdisk, the shim.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.bench.command import FOLDER, SHIMTOOL, Command, Section
from tests.support import debs
from tests.support.dom0 import RAMDISK, Dom0, make_dom0
from tests.support.guests import filler_ramdisk

RUNS = 7
RAMDISK_SIZE = 40_000_000


def emptied(folder: Path) -> Callable[[], None]:
    """Return what makes a folder anew."""

    def clear() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    return clear


def edited(config: Path) -> Callable[[], None]:
    """Return what changes a config, each time otherwise."""

    def edit() -> None:
        config.write_text(config.read_text() + "\n")

    return edit


def commands(dom0: Dom0, config: Path, tree: Path) -> list[Command]:
    """List what is compared: cp first, Python's start second."""
    tree.mkdir()
    payload = [debs.kernel(), dom0.boot / Path(RAMDISK).name, debs.xen_shim()]
    for file in payload:
        os.link(file, tree / file.name)
    copy, peer = tree.with_name("copy"), tree.with_name("peer.iso")
    folders: list[str | Path] = ["--in", dom0.configs, "--map", f"/boot={dom0.boot}"]
    convert = [*SHIMTOOL, "convert", "--out", dom0.out, *folders]
    synced = 'cp "$@"; for copy; do :; done; sync "$copy"/*'  # ours are on disk when it ends
    return [
        Command("cp (the same payload)", ["cp", *payload, copy], emptied(copy)),
        Command("Python's start (--version)", [*SHIMTOOL, "--version"]),
        Command("cp, then sync", ["sh", "-c", synced, "sh", *payload, copy], emptied(copy)),
        Command("shimtool convert, first time", convert, emptied(dom0.out)),
        Command("shimtool convert, config edited", convert, edited(config)),
        Command("shimtool convert --force", [*convert, "--force"]),
        Command("shimtool convert, nothing changed", convert),
        Command("xorriso -as mkisofs", ["xorriso", "-as", "mkisofs", "-o", peer, tree]),
        Command("grub-mkrescue", ["grub-mkrescue", "-o", peer, tree]),
    ]


def measure() -> Section:
    """Run it all."""
    root = FOLDER / "one-guest"
    root.mkdir()
    dom0 = make_dom0(root, debs.kernel().read_bytes())
    config = dom0.guest()
    (dom0.boot / Path(RAMDISK).name).write_bytes(filler_ramdisk(RAMDISK_SIZE))
    table = commands(dom0, config, root / "tree")
    for command in table:  # one warm-up each
        command.run()
        command.wall.clear()
    for _ in range(RUNS):
        for command in table:
            command.run()
    payload = sum(path.stat().st_size for path in (root / "tree").iterdir())
    overhead = (dom0.out / "web01.iso").stat().st_size - payload
    peer = (root / "peer.iso").stat().st_size - payload  # grub-mkrescue's, the last to write it
    shutil.rmtree(root)
    return _section(table, payload, overhead, peer)


def _section(table: list[Command], payload: int, overhead: int, peer: int) -> Section:
    cp, start = table[0].median, table[1].median
    rows = []
    for each in table:
        ours = each.name.startswith("shimtool")
        rows.append(
            [
                f"`{each.name}`" if ours else each.name,
                f"{each.median:.3f} s",
                f"{each.median / cp:.1f}x",
                f"{max(each.median - start, 0) / cp:.1f}x" if ours else "",
                f"{each.memory / 1024:.0f} MB",
            ]
        )
    return Section(
        f"One guest, {payload / 1e6:.0f} MB of kernel, ramdisk and shim",
        ["command", "time", "/ cp", "less Python's start, / cp", "peak memory"],
        rows,
        [(each.name, each.median) for each in table],
        f"An ISO adds {overhead / 1e6:.1f} MB to its content, grub-mkrescue's {peer / 1e6:.1f} MB. "
        f"Medians of {RUNS} runs, in turn.",
    )
