"""The picture of README: a PV guest before and after, drawn as SVG from the boxes below.

`pytest tests/docs/test_picture.py --regenerate` writes it anew.
"""

from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, TOP = 860, 400, 30
FONT = "font-family='sans-serif' font-size='13'"
PLAIN, GUEST, SHIM, CONTAINER, XEN = "#f4f4f4", "#d7e8fa", "#fbe3c0", "#ffffff", "#dcdcdc"


@dataclass(frozen=True)
class Box:
    """A rectangle with lines of text at its top, the first in bold."""

    x: int
    y: int
    width: int
    height: int
    fill: str
    lines: tuple[str, ...]

    def svg(self) -> str:
        place = f"x='{self.x}' y='{self.y}' width='{self.width}' height='{self.height}'"
        shown = [f"<rect {place} rx='5' fill='{self.fill}' stroke='#555'/>"]
        for number, line in enumerate(self.lines):
            weight = " font-weight='bold'" if number == 0 else ""
            at = f"x='{self.x + 10}' y='{self.y + 20 + 18 * number}'"
            shown.append(f"<text {at}{weight}>{escape(line)}</text>")
        return "\n".join(shown)


@dataclass(frozen=True)
class Arrow:
    """A line with a head at its end, and what it says beside its start."""

    start: tuple[int, int]
    end: tuple[int, int]
    colour: str
    text: str = ""

    def svg(self) -> str:
        (x, y), (to_x, to_y) = self.start, self.end
        line = f"<line x1='{x}' y1='{y}' x2='{to_x}' y2='{to_y}' stroke='{self.colour}'"
        text = f"<text x='{x + 8}' y='{y + 20}' fill='{self.colour}'>{escape(self.text)}</text>"
        return f"{line} stroke-width='2' marker-end='url(#c{self.colour[1:]})'/>\n{text}"


DEVICES = ("its disks, its network",)
RED, GREEN, GREY = "#b00020", "#1b6e2e", "#555555"
SHAPES: tuple[Box | Arrow, ...] = (
    # before
    Box(10, 40, 360, 350, PLAIN, ("Before: xl create /etc/xen/web01.cfg",)),
    Box(20, 320, 340, 60, XEN, ("Xen", "all of the host's memory")),
    Box(20, 80, 100, 230, PLAIN, ("dom0", "xl", "disks", "network")),
    Box(140, 80, 220, 85, GUEST, ("web01, a PV guest", "its kernel, its processes", *DEVICES)),
    Arrow((160, 165), (160, 318), RED, "Meltdown: can read it all"),
    # on the way
    Arrow((375, 200), (475, 200), GREY),
    # after
    Box(480, 40, 370, 350, PLAIN, ("After: xl create .../shimtool/web01.cfg",)),
    Box(490, 320, 350, 60, XEN, ("Xen", "all of the host's memory")),
    Box(490, 80, 100, 230, PLAIN, ("dom0", "xl", "disks", "network")),
    Box(605, 70, 235, 240, CONTAINER, ("container: HVM or PVH", "memory of its own")),
    Box(615, 245, 215, 55, SHIM, ("PV shim: a small Xen", "HVM: started from web01.iso")),
    Box(615, 115, 215, 75, GUEST, ("web01, the same PV guest", "the same kernel", *DEVICES)),
    Arrow((640, 190), (640, 243), GREEN, "Meltdown: stays inside"),
)  # fmt: skip


def _head(colour: str) -> str:
    return (
        f"<marker id='c{colour[1:]}' markerWidth='9' markerHeight='9' refX='7' refY='4'"
        f" orient='auto'>"
        f"<path d='M0,0 L8,4 L0,8 z' fill='{colour}'/></marker>"
    )


def picture() -> str:
    """Return the whole SVG."""
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 {TOP} {WIDTH} {HEIGHT - TOP}' {FONT}>",
        "<title>A PV guest before and after its conversion</title>",
        f"<defs>{''.join(map(_head, (RED, GREEN, GREY)))}</defs>",
        f"<rect width='{WIDTH}' height='{HEIGHT}' fill='white'/>",
        f"<text x='{WIDTH // 2 - 32}' y='190'>shimtool</text>",
        f"<text x='{WIDTH // 2 - 30}' y='222'>convert</text>",
        *(shape.svg() for shape in SHAPES),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"
