"""A jail from outside: a task begun, and its answer checked."""

import codecs
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from typing import BinaryIO, TypeVar, cast

from shimtool.deferred import dataclass
from shimtool.errors import Fault, Location, ShimtoolError
from shimtool.payload.jailed.answers import (
    SHORTEST,
    Opened,
    Read,
    Refusal,
    read_document,
    read_length,
)
from shimtool.system.jail import Jailed, JailError, Limits, Work
from shimtool.system.typed import DamagedDocumentError

LIMITS = Limits()  # of one task; a guest's disks usually take 0.2 s and 20 MB

_UNPACKERS = ("zstandard", "lz4.block", "lzallright")
_ENCODINGS = ("ascii", "latin-1", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "unicode_escape")

Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is read, in the words of its refusals: "cannot read NAME", where, seen and remedy."""

    name: str
    where: Location
    remedy: str
    seen: str | None = None


def import_all(modules: Iterable[str] = _UNPACKERS) -> None:
    """Import what the jail may need, as nothing can be imported there; what is missing stays so."""
    for name in modules:
        try:
            import_module(name)
        except ImportError:
            sys.modules.setdefault(name, None)  # type: ignore[arg-type] # known to be missing
    for name in _ENCODINGS:
        codecs.lookup(name)


def jailed(work: Work, descriptors: Sequence[int]) -> Jailed:
    """Begin a task; import_all comes before."""
    return Jailed(work, descriptors, LIMITS)


def ask(child: Jailed, subject: Subject, read_answer: Callable[[Read], Answered]) -> Answered:
    """Return the one document that a task gives; raises ShimtoolError when there is none."""
    with _failures_as_faults(subject):
        answer = read_answer(child.read)
        if child.read(1):
            raise DamagedDocumentError("more than an answer")
        return answer


def refused(answer: Refusal, subject: Subject) -> ShimtoolError:
    """Build the error for what a task refused."""
    where = Location(answer.place) if answer.place else subject.where
    return ShimtoolError(Fault(answer.why, where, None, answer.remedy or subject.remedy))


def open_given(
    child: AbstractContextManager[Jailed], subject: Subject, size: int, *, exact: bool
) -> BinaryIO:
    """Open the file of `size` bytes (`exact`, or at most) that a task gives.

    It is read forwards only, once. Raises ShimtoolError, as its read() does.
    """
    with ExitStack() as stack:
        begun = stack.enter_context(child)
        with _failures_as_faults(subject):
            _raise_refusal(begun, subject)
        stream = _Stream(begun, subject, size, exact=exact)
        stream.ending = stack.pop_all()
        return cast("BinaryIO", stream)


class _Stream(io.RawIOBase):
    """The bytes of a file as they leave the jail."""

    def __init__(self, child: Jailed, subject: Subject, size: int, *, exact: bool) -> None:
        super().__init__()
        self.name = str(subject.where.path)
        self.ending = ExitStack()
        self._child, self._subject = child, subject
        self._left, self._exact = size, exact
        self._frame = 0  # bytes of it that are still to come
        self._last = False  # whether it can be followed by another one

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        with _failures_as_faults(self._subject):
            if not self._frame and not self._next():
                return b""
            data = self._child.read(min(self._frame, 1 << 20 if size < 0 else size))
            if not data:
                raise DamagedDocumentError("it ends early")
            self._frame -= len(data)
            return data

    def _next(self) -> bool:
        """Begin the next frame; False after the last one."""
        length = read_length(self._child.read)
        if length == 0:
            _raise_refusal(self._child, self._subject)
            raise DamagedDocumentError("an empty frame")
        if length is not None and self._last:
            raise DamagedDocumentError("a short frame that is not the last")
        self._frame = length or 0
        self._last = self._frame < SHORTEST
        self._left -= self._frame
        if self._left < 0 or (length is None and self._exact and self._left):
            raise DamagedDocumentError("more or fewer bytes than there should be")
        return length is not None

    def close(self) -> None:
        if not self.closed:
            self.ending.close()
        super().close()


@contextmanager
def _failures_as_faults(subject: Subject) -> Iterator[None]:
    try:
        yield
    except JailError as error:
        why = f", which is damaged or made to do harm: {error}"
    except DamagedDocumentError as error:
        why = f": its reader gave no sound answer ({error})"
    else:
        return
    raise ShimtoolError(
        Fault(f"cannot read {subject.name}{why}", subject.where, subject.seen, subject.remedy)
    )


def _raise_refusal(child: Jailed, subject: Subject) -> None:
    """Read a document; raise ShimtoolError where it is a Refusal."""
    kinds: list[type[Opened | Refusal]] = [Opened, Refusal]
    answer = read_document(child.read, kinds)
    if isinstance(answer, Refusal):
        raise refused(answer, subject)
