"""The sections' bars as one picture."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from tests.bench.command import Section

OURS, PEER = "#2f6db3", "#b9bec6"


def draw(sections: Sequence[Section], path: Path) -> None:
    """Write a PNG: a row of bars for each section, seconds on a log scale."""
    heights = [len(section.bars) + 2 for section in sections]
    figure = Figure(figsize=(9, 0.27 * sum(heights)), layout="constrained")
    panels = figure.subplots(len(sections), 1, squeeze=False, height_ratios=heights)[:, 0]
    for panel, section in zip(panels, sections, strict=True):
        names = [name for name, _ in section.bars]
        seconds = [value for _, value in section.bars]
        ours = [name.startswith(("shimtool", "convert", "again", "ours")) for name in names]
        bars = panel.barh(names, seconds, color=[OURS if mine else PEER for mine in ours])
        panel.bar_label(bars, [f"{value:.2f} s" for value in seconds], padding=3, fontsize=8)
        panel.set_title(section.title, loc="left", fontsize=10)
        panel.set_xscale("log")
        panel.set_xlim(min(seconds) / 2, max(seconds) * 3)
        panel.invert_yaxis()
        panel.tick_params(labelsize=8)
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110, metadata={"Software": None})
