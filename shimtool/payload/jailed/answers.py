"""What the jail answers, in frames of a length (4 bytes, big endian) and as many bytes.

    document                                        what was found, or why nothing was
    Opened, bytes, bytes ... [nothing, Refusal]     a file, perhaps with what stopped its reading

The documents are JSON, and read like anything hostile.
"""

import json
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

from shimtool.deferred import dataclass
from shimtool.model import KernelFacts
from shimtool.system.stored_json import parse_json, plain
from shimtool.system.typed import DamagedDocumentError, Must, Text, fits, typed

SHORTEST = 64 << 10  # bytes of a file in one frame, but for the last: few are quickly read
_MOST = 256 << 10  # bytes of a document
_LINE = Must("have at most 16384 characters", lambda text: len(text) <= 16384)  # as menu.py

Line = Annotated[Text, _LINE]


class UnreadableError(Exception):
    """What is hostile cannot be read; the message says why, and is the answer: a Refusal."""


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


Answered = TypeVar("Answered")


def frame(data: bytes) -> bytes:
    """Return data as it leaves the jail."""
    return len(data).to_bytes(4, "big") + data


def document(answer: object) -> bytes:
    """Return an answer as it leaves the jail; UnicodeError for text that stands for no bytes."""
    return frame(json.dumps(plain(answer)).encode())


Read = Callable[[int], bytes]  # at most as many bytes as asked for; b"" at the end


def read_length(read: Read) -> int | None:
    """Read a frame's length; None at the end. Raises DamagedDocumentError."""
    if not (first := read(1)):
        return None
    return int.from_bytes(first + _exactly(read, 3), "big")


def read_document(read: Read, kinds: Sequence[type[Answered]]) -> Answered:
    """Read the frame of an answer of one of these kinds. Raises DamagedDocumentError."""
    length = read_length(read)
    if not length or length > _MOST:
        raise DamagedDocumentError(f"a document of {length} bytes")
    found = parse_json(_exactly(read, length))
    return typed(found, next((each for each in kinds if fits(found, each)), kinds[-1]))


def check_facts(facts: KernelFacts, size: int) -> None:
    """Check what the types do not say of a kernel of `size` bytes; raises DamagedDocumentError."""
    start, length = facts.payload
    if start < 0 or length < 0 or start + length > size:
        raise DamagedDocumentError("the payload must lie inside of the kernel", "facts.payload")
    for text in (facts.version, facts.guest_os):
        if text is not None and not fits(text, Line):
            raise DamagedDocumentError("it must be a short text", "facts")


def _exactly(read: Read, size: int) -> bytes:
    parts = []
    while size:
        if not (data := read(size)):
            raise DamagedDocumentError("it ends early")
        parts.append(data)
        size -= len(data)
    return b"".join(parts)
