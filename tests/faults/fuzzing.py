"""How many mutants each reader gets, what they take, and how a run is made again.

    make fuzz EXAMPLES=100000 SEED=2018

tries 100,000 over all readers (`pytest tests/faults -k fuzz` with what the Makefile sets), and
prints what each one took. A mutant is the same for the same seed, reader and number; a failure
names them. Without EXAMPLES, in `make unit`, there are about 12,000. FUZZED.md keeps the seeds and
numbers of the long runs.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from tests.support.cli import forked

CPU_SECONDS, MEMORY = 10, 256  # what nothing may take beyond; MiB
IDLE = 56  # MiB of a process that does nothing, with room

# Of 100 mutants of a long run, and of a short one as they are.
_SHARES = {
    "xl": (13, 2500),
    "xm": (10, 1000),
    "libvirt": (10, 1500),
    "sxp": (6, 750),
    "kernels": (12, 1500),
    "ramdisks": (6, 500),
    "shims": (6, 1000),
    "catalogue": (3, 200),
    "isos": (6, 1000),
    "kept": (5, 800),
    "parameters": (3, 1000),
    "answers": (4, 1000),
    "disks": (16, 48),
}
assert sum(share for share, _short in _SHARES.values()) == 100

_ASKED = int(os.environ.get("SHIMTOOL_EXAMPLES", "0"))
LONG = _ASKED > 0
TOTAL = 100_000 if _ASKED == 1 else _ASKED  # "1" stands for many, in all property tests


def mutants(reader: str, parts: int = 1) -> int:
    """Say how many mutants a reader gets, or each of `parts` equal parts of them."""
    share, short = _SHARES[reader]
    number = TOTAL * share // 100 if LONG else short
    return max(1, -(-number // parts))


def tally(
    reader: str, number: int, cpu: float, memory: int, outcomes: Mapping[str, int] | None = None
) -> None:
    """Note what `number` mutants of a reader took: seconds together, MiB at most."""
    if path := os.environ.get("SHIMTOOL_TALLY"):
        line = {"reader": reader, "mutants": number, "cpu": cpu, "memory": memory}
        with Path(path).open("a") as file:
            file.write(json.dumps({**line, "outcomes": dict(outcomes or {})}) + "\n")


def in_batches(reader: str, one: Callable[[int], bool], size: int = 500) -> None:
    """Try every mutant of a reader, in children whose time and memory are looked at.

    `one` says whether a mutant was taken. Some are and some are not, or it tried nothing at all.
    """

    def try_all(first: int) -> None:
        outcomes = Counter[str]()
        for number in range(first, first + size):
            try:
                outcomes["taken" if one(number) else "refused"] += 1
            except BaseException as error:
                raise AssertionError(f"{reader} {number}: {error!r}") from error
        print(json.dumps(outcomes))

    sums = Counter[str]()
    for first in range(0, mutants(reader), size):
        ended = forked(partial(try_all, first))
        assert ended.code == 0, ended.said[-3000:]
        assert ended.cpu < CPU_SECONDS
        assert ended.memory < MEMORY - IDLE
        outcomes = json.loads(ended.out)
        sums.update(outcomes)
        tally(reader, size, ended.cpu, ended.memory, outcomes)
    assert sums.keys() == {"taken", "refused"}


def table(lines: Iterable[str]) -> str:
    """Return the sums of a tally by reader, as a table in Markdown."""
    rows: dict[str, tuple[int, float, int]] = {}
    seen: dict[str, Counter[str]] = {}
    for line in map(json.loads, lines):
        number, cpu, memory = rows.get(line["reader"], (0, 0.0, 0))
        rows[line["reader"]] = (
            number + line["mutants"],
            max(cpu, line["cpu"]),
            max(memory, line["memory"]),
        )
        seen.setdefault(line["reader"], Counter()).update(line["outcomes"])
    head = [
        "| reader | mutants | CPU, most | memory, most | ended as |",
        "|---|---:|---:|---:|---|",
    ]
    body = [
        f"| {name} | {number:,} | {cpu:.1f} s | {memory} MiB | {_words(seen[name])} |"
        for name, (number, cpu, memory) in rows.items()
    ]
    return "\n".join([*head, *body, f"| all | {sum(row[0] for row in rows.values()):,} | | | |"])


def _words(outcomes: Counter[str]) -> str:
    return ", ".join(f"{number:,} {word}" for word, number in outcomes.most_common())


if __name__ == "__main__":
    sys.stdout.write(table(Path(sys.argv[1]).read_text().splitlines()) + "\n")
