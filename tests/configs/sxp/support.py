"""What tests of SXP share: the guests that xend kept."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
FIXTURES = sorted(DATA.glob("*.sxp"))
