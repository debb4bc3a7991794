"""The manual's pages, which lie in shimtool/docs: what they are called, and what they hold."""

import re
from pathlib import Path

from shimtool.deferred import regex

DOCS = Path(__file__).parents[1] / "docs"
_SUMMARY = regex(r"^## Name\n\n\S+ - (.*)$", re.MULTILINE)
# What is nothing on a terminal: pictures, and where generated parts begin and end.
_UNSHOWN = regex(r"^(?:<!--.*-->\n|!\[.*\]\(.*\)\n\n)", re.MULTILINE)
_FIRST, _LAST = "shimtool", "contributing"


def pages() -> dict[str, Path]:
    """Return the pages by topic: "keys" is shimtool-keys.5.md."""
    found = {
        path.name.partition(".")[0].removeprefix("shimtool-").lower(): path
        for path in DOCS.glob("*.md")
    }
    order = sorted(found, key=lambda topic: (topic == _LAST, topic != _FIRST, topic))
    return {topic: found[topic] for topic in order}


def read_page(path: Path) -> str:
    """Return a page's Markdown without what is for other readers."""
    return re.sub(r"\n{3,}", "\n\n", _UNSHOWN.sub("", path.read_text(encoding="utf-8")))


def topics() -> list[tuple[str, str]]:
    """Return each topic and what its page is about."""
    found = []
    for topic, path in pages().items():
        text = read_page(path)
        summary = _SUMMARY.search(text)
        found.append((topic, summary[1] if summary else text.splitlines()[0].lstrip("# ")))
    return found
