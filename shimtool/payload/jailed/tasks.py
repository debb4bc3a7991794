"""What is done in the jail: each task reads something and puts its answer into the pipe.

Nothing here may import, open or log anything (see system/confinement.py), nor take a lock that
another thread may have held when we forked.
"""

from collections.abc import Callable, Iterator, Sequence

from shimtool.errors import ShimtoolError
from shimtool.payload.jailed.answers import (
    SHORTEST,
    Opened,
    Refusal,
    UnreadableError,
    document,
    frame,
)
from shimtool.system.jail import Put, Work

_SHOWN = 2000  # characters of a reason

Descriptors = Sequence[int]


def answering(look: Callable[[Descriptors], bytes]) -> Work:
    """Give the document that `look` makes, or why it could not."""

    def work(descriptors: Descriptors, put: Put) -> None:
        try:
            answer = look(descriptors)
        except MemoryError:
            raise  # the jail says it better
        except BaseException as error:  # noqa: BLE001 - see _refusal
            answer = document(_refusal(error))
        put(answer)

    return work


def giving(begin: Callable[[Descriptors], Iterator[bytes]]) -> Work:
    """Give the bytes of a file: `begin` opens it."""

    def work(descriptors: Descriptors, put: Put) -> None:
        begun = False
        try:
            chunks = begin(descriptors)
            put(document(Opened()))
            begun = True
            for piece in _pieces(chunks):
                put(frame(piece))
        except MemoryError:
            raise
        except BaseException as error:  # noqa: BLE001 - see _refusal
            put(frame(b"") * begun + document(_refusal(error)))

    return work


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Join chunks to frames, the last of which alone may be short."""
    kept = bytearray()
    for chunk in chunks:
        kept += chunk
        if len(kept) >= SHORTEST:
            yield bytes(kept)
            kept.clear()
    if kept:
        yield bytes(kept)


def _refusal(error: BaseException) -> Refusal:
    """Say what stopped a task. A panic of a library in Rust is a BaseException, and no other."""
    if isinstance(error, ShimtoolError):
        found = error.faults[0]
        place = str(found.where.path) if found.where else None
        return Refusal(shown(found.message), place, found.remedy)
    if isinstance(error, UnreadableError):
        return Refusal(shown(str(error)))
    return Refusal(shown(f"its reader failed ({type(error).__name__}: {error})"))


def shown(text: str) -> str:
    """Return text that can be written, whatever was read put into it."""
    return text[:_SHOWN].encode(errors="backslashreplace").decode().replace("\0", "\\0")
