"""Configs written for xm: those that are understood, and those that are refused."""

from pathlib import Path

DATA = Path(__file__).parent / "data"
FIXTURES = sorted(DATA.glob("*.cfg"))
REFUSED = sorted((DATA / "refused").glob("*.cfg"))
