"""The manual's table of what xl does to a running guest is what `make e2e` asserts."""

from pathlib import Path

from tests.e2e import things
from tests.e2e.table import aligned

MANUAL = Path(__file__).parents[2] / "shimtool" / "docs" / "shimtool-how-it-works.7.md"


def test_the_manual_has_it() -> None:
    wanted = "\n".join(aligned(things.table()))
    assert f"\n\n{wanted}\n\n" in MANUAL.read_text(encoding="utf-8"), f"put it there:\n{wanted}"
