"""Kernels and ramdisks of dom0 that others than root may write to: looked at in a jail.

What inputs.py and reopen.py do with root's own files in this very process, which spares a fork.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from shimtool.deferred import dataclass
from shimtool.errors import Location
from shimtool.model import KernelFacts
from shimtool.payload.jailed.answers import Read, Refusal, check_facts, document, read_document
from shimtool.payload.jailed.raw import Raw
from shimtool.payload.jailed.reader import (
    Subject,
    ask,
    import_all,
    jailed,
    open_given,
    refused,
)
from shimtool.payload.jailed.tasks import answering, giving
from shimtool.payload.kernel import image, ramdisk
from shimtool.payload.kernel.compression import OUTPUT_LIMIT

_BLOCK = 1 << 20
_REMEDY = (
    "look at what its owner put there; a file that root alone owns and can write to is read"
    " without these limits"
)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Kernel:
    """What a kernel is."""

    facts: KernelFacts


@dataclass(frozen=True, slots=True)
class _Ramdisk:
    """What a ramdisk is, as of model.Ramdisk."""

    gzip: bool
    cpio: bool
    unzipped: int | None


def inspect(source: BinaryIO) -> KernelFacts:
    """As kernel.image.inspect."""
    return _asked(source, lambda opened: _Kernel(image.inspect(opened)), _Kernel, _check).facts


def inspect_ramdisk(source: BinaryIO) -> tuple[bool, bool, int | None]:
    """As kernel.ramdisk.inspect_ramdisk; raises ShimtoolError where the jail does not allow it."""
    found = _asked(source, lambda opened: _Ramdisk(*ramdisk.inspect_ramdisk(opened)), _Ramdisk)
    return found.gzip, found.cpio, found.unzipped


def unpack_elf(source: BinaryIO, facts: KernelFacts) -> Iterator[bytes]:
    """As kernel.image.unpack_elf."""
    import_all()
    subject, name = _subject(source), source.name
    work = giving(lambda descriptors: image.unpack_elf(_opened(descriptors, name), facts))
    child = jailed(work, [source.fileno()])
    with open_given(child, subject, OUTPUT_LIMIT, exact=False) as unpacked:
        while block := unpacked.read(_BLOCK):
            yield block


def _check(answer: _Kernel, size: int) -> None:
    check_facts(answer.facts, size)


def _asked(
    source: BinaryIO,
    look: Callable[[BinaryIO], Answer],
    kind: type[Answer],
    check: Callable[[Answer, int], None] = lambda _answer, _size: None,
) -> Answer:
    """Look at a file in the jail."""
    import_all()
    subject, name, size = _subject(source), source.name, os.fstat(source.fileno()).st_size
    kinds: list[type[Answer | Refusal]] = [Refusal, kind]

    def read_answer(read: Read) -> Answer | Refusal:
        answer = read_document(read, kinds)
        if not isinstance(answer, Refusal):
            check(answer, size)
        return answer

    work = answering(lambda descriptors: document(look(_opened(descriptors, name))))
    with jailed(work, [source.fileno()]) as child:
        answer = ask(child, subject, read_answer)
    if isinstance(answer, Refusal):
        raise refused(answer, subject)
    return answer


def _opened(descriptors: Sequence[int], name: str) -> BinaryIO:
    return cast("BinaryIO", Raw(descriptors[0], name))


def _subject(source: BinaryIO) -> Subject:
    return Subject(source.name, Location(Path(source.name)), _REMEDY)
