"""The picture that README shows is the one that picture.py draws."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from tests.docs.picture import picture
from tests.support.pages import DOCS


def test_the_picture_is_as_drawn(golden: Callable[[Path, bytes], None]) -> None:
    golden(DOCS / "how-it-works.svg", picture().encode())
    ElementTree.fromstring(picture())  # noqa: S314 - ours
