"""What is done in a child that has no memory free from earlier work, which limits would not count.

Nothing here needs pytest: the process that forks such children is small.
"""

from collections.abc import Sequence
from pathlib import Path

from shimtool.dom0.paths import Found
from shimtool.payload.inputs import InputCache
from shimtool.payload.jailed import reader
from shimtool.system.jail import Limits
from tests.support.child import command_line


def shimtool_with(limits: Limits, words: Sequence[str | Path]) -> None:
    """Run a command line, with these limits of the jail."""
    reader.LIMITS = limits
    command_line(words)


def read_kernel(path: Path) -> None:
    """Examine a kernel of 64 bits."""
    assert InputCache().kernel(Found("/boot/k", path)).facts.bits == 64
