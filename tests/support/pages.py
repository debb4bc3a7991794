"""The texts for people: README and the manual pages, by what `shimtool help` calls them."""

import re
from pathlib import Path

from tests.support.debs import ROOT

README = ROOT / "README.md"
DOCS = ROOT / "shimtool" / "docs"


def topic(page: Path) -> str:
    """What a page is called: "keys" of shimtool-keys.5.md."""
    return re.sub(r"(?:shimtool-)?([^.]+)(?:\.\d)?\.md$", r"\1", page.name).lower()


PAGES = {topic(page): page for page in sorted(DOCS.glob("*.md"))}
TEXTS = {"README": README, **PAGES}
