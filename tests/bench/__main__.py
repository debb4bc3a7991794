"""Run `python -m tests.bench [starts|one|hosts|boots] [--readme]`."""

import argparse
import datetime
import os
import platform
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.bench import boots, hosts, one_guest, starts
from tests.bench.command import FOLDER, Section
from tests.bench.plot import draw
from tests.support.debs import ROOT
from tests.support.pages import PAGES

PARTS: dict[str, Callable[[], Section]] = {
    "starts": starts.measure,
    "one": one_guest.measure,
    "hosts": hosts.measure,
    "boots": boots.measure,
}
PICTURE = ROOT / "tests" / "bench" / "speed.png"
MARKED = re.compile(
    r"(?<=<!-- speed: made by make bench README=1 -->\n).*?(?=<!-- end of speed)", re.S
)


def _publish(text: str) -> None:
    """Put tables and picture where manual and README show them."""
    shutil.copy(FOLDER / "speed.png", PICTURE)
    page = PAGES["how-it-works"]
    page.write_text(MARKED.sub(lambda _: f"{text}\n\n", page.read_text()))


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def main(part: str | None, *, readme: bool) -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    sections = []
    for name in [part] if part else PARTS:
        sections.append(PARTS[name]())
        print(f"{sections[-1].markdown()}\n", flush=True)
    today = datetime.datetime.now(datetime.UTC).date()
    measured = f"Measured on {today}, on {os.cpu_count()} cores of {_processor()}."
    text = "\n\n".join([*(each.markdown() for each in sections), measured])
    (FOLDER / "speed.md").write_text(f"{text}\n")
    draw(sections, FOLDER / "speed.png")
    if readme:
        _publish(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS)
    parser.add_argument(
        "--readme", action="store_true", help="put the result into README and manual"
    )
    given = parser.parse_args()
    main(given.part, readme=given.readme)
