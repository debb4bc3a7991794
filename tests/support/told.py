"""Reasons and warnings of --json documents as people read them."""

from collections.abc import Iterable
from typing import Any

from shimtool.cli.results.reasons import reason_line


def lines(told: Iterable[Any]) -> list[str]:
    """One line each."""
    return [reason_line(each) if "file" in each else str(each["message"]) for each in told]
