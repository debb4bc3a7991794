"""The pre-stage's pure parts, compiled for this machine with sanitizers (driver.c)."""

import struct
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from tests.support.programs import run

SOURCES = Path(__file__).parents[2] / "container" / "prestage"
_PURE = (
    *("acpi.c", "console.c", "elf.c", "madt.c", "modules.c", "params.c", "prestage.c", "room.c"),
)
_FLAGS = (
    *("-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Wshadow", "-Werror"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    *("-fno-pie", "-no-pie"),  # its own objects below 4 GB, where the pre-stage can name them
)


class Job(IntEnum):
    """What to run; the driver has the same list."""

    PARAMS = 0
    TRIM_MADT = 1
    KEEP_PROCESSORS = 2
    LOAD_SHIM = 3
    PREPARE = 4
    ROOM = 5


class _Status(IntEnum):
    DONE = 0
    REFUSED = 1
    OUTSIDE = 2


@dataclass(frozen=True, slots=True)
class Region:
    """A piece of physical memory and what it holds."""

    address: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What a job gave. `text` is the console's, `memory` each region afterwards."""

    text: str
    numbers: tuple[int, ...]
    memory: tuple[bytes, ...]


class RefusedError(Exception):
    """The pre-stage refused, with this line."""


class Native:
    """The running driver. It ends at the first report of a sanitizer, and the test with it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin and process.stdout
        self._process = process
        self._to, self._from = process.stdin, process.stdout

    def run(self, job: Job, regions: Sequence[Region], argument: int = 0) -> Answer:
        """Run a job; raise RefusedError when it refuses, AssertionError when it misbehaves."""
        self._to.write(struct.pack("<3I", job, argument, len(regions)))
        for region in regions:
            self._to.write(struct.pack("<2I", region.address, len(region.content)))
            self._to.write(region.content)
        self._to.flush()
        status = _Status(self._number())
        text = self._read(self._number()).decode("ascii")
        numbers = tuple(self._number() for _ in range(self._number()))
        assert status is not _Status.OUTSIDE, "it looked where nothing is"
        if status is _Status.REFUSED:
            raise RefusedError(text)
        return Answer(text, numbers, tuple(self._read(len(each.content)) for each in regions))

    def _number(self) -> int:
        (number,) = struct.unpack("<I", self._read(4))
        return int(number)

    def _read(self, size: int) -> bytes:
        data = self._from.read(size)
        assert len(data) == size, f"a sanitizer ended it ({self._process.wait()}), see its report"
        return data


@contextmanager
def running(folder: Path) -> Iterator[Native]:
    """Compile the driver in `folder` and start it."""
    program = folder / "driver"
    sources = [Path(__file__).with_name("driver.c"), *(SOURCES / name for name in _PURE)]
    run(["gcc", *_FLAGS, f"-I{SOURCES}", "-o", program, *sources])
    with subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Native(process)
