"""What the jail answers, in frames of a length (4 bytes, big endian) and as many bytes.

    document                                        what was found, or why nothing was
    Opened, bytes, bytes ... [nothing, Refusal]     a file, perhaps with what stopped its reading

The documents are JSON, and read like anything hostile.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from shimtool.model import KernelFacts
from shimtool.payload.guest_disk.limits import FILE_LIMIT
from shimtool.system.files import Stamp
from shimtool.system.stored_json import parse_json, plain
from shimtool.system.typed import DamagedDocumentError, Must, Sha256, Text, fits, typed

SHORTEST = 64 << 10  # bytes of a file in one frame, but for the last: few are quickly read
_MOST = 256 << 10  # bytes of a document
_LINE = Must("have at most 16384 characters", lambda text: len(text) <= 16384)  # as menu.py
_PATH = Must("begin with / and have at most 4096 bytes", lambda text: 0 < len(text) <= 4096)

Line = Annotated[Text, _LINE]
Size = Annotated[int, Must("be the size of a file", lambda size: 0 <= size <= FILE_LIMIT)]
Count = Annotated[int, Must("be a small number", lambda number: 0 <= number < 1000)]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no answer; `place` and `remedy` where it is one file's fault."""

    why: Line
    place: Line | None = None
    remedy: Line | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A file's bytes follow, as many as they are."""

    opened: Annotated[bool, Must("be true", bool)] = True


@dataclass(frozen=True, slots=True)
class ExaminedFile:
    """A file inside of the disk; `stamp` as of model.SourceFile."""

    path: Annotated[Text, _PATH]
    subvolume: Line
    size: Size
    sha256: Sha256
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class ExaminedRamdisk:
    """A ramdisk; `gzip` and `cpio` as of model.Ramdisk."""

    file: ExaminedFile
    gzip: bool
    cpio: bool


@dataclass(frozen=True, slots=True)
class Examined:
    """What boots: where it is, and what it holds."""

    volume: Line
    disk: Count
    kernel: ExaminedFile
    facts: KernelFacts
    ramdisk: ExaminedRamdisk | None
    arguments: Line
    title: Line
    menu: Line
    clean: bool


Answer = Refusal | Opened | Examined


def frame(data: bytes) -> bytes:
    """Return data as it leaves the jail."""
    return len(data).to_bytes(4, "big") + data


def document(answer: Answer) -> bytes:
    """Return an answer as it leaves the jail; UnicodeError for text that stands for no bytes."""
    return frame(json.dumps(plain(answer)).encode())


Read = Callable[[int], bytes]  # at most as many bytes as asked for; b"" at the end


def read_length(read: Read) -> int | None:
    """Read a frame's length; None at the end. Raises DamagedDocumentError."""
    if not (first := read(1)):
        return None
    return int.from_bytes(first + _exactly(read, 3), "big")


def read_document(read: Read) -> Answer:
    """Read the frame of an answer. Raises DamagedDocumentError."""
    length = read_length(read)
    if not length or length > _MOST:
        raise DamagedDocumentError(f"a document of {length} bytes")
    found = parse_json(_exactly(read, length))
    kinds: list[type[Answer]] = [Refusal, Opened, Examined]
    kind = next((each for each in kinds if fits(found, each)), Examined)
    answer = typed(found, kind)
    if isinstance(answer, Examined):
        _check(answer)
    return answer


def _check(answer: Examined) -> None:
    """Check what the types do not say."""
    start, length = answer.facts.payload
    if start < 0 or length < 0 or start + length > answer.kernel.size:
        raise DamagedDocumentError("the payload must lie inside of the kernel", "facts.payload")
    for text in (answer.facts.version, answer.facts.guest_os):
        if text is not None and not fits(text, Line):
            raise DamagedDocumentError("it must be a short text", "facts")
    files = [answer.kernel, *([answer.ramdisk.file] if answer.ramdisk else ())]
    if any(not -(1 << 64) < number < 1 << 64 for each in files for number in each.stamp):
        raise DamagedDocumentError("a number is too large", "stamp")
    if any(each.stamp[0] >= 0 for each in files):  # as inside.py says
        raise DamagedDocumentError("it is that of a file of dom0's", "stamp")


def _exactly(read: Read, size: int) -> bytes:
    parts = []
    while size:
        if not (data := read(size)):
            raise DamagedDocumentError("it ends early")
        parts.append(data)
        size -= len(data)
    return b"".join(parts)
