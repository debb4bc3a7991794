"""What the jail answers of a guest's disks."""

from typing import Annotated, Literal

from shimtool.deferred import dataclass
from shimtool.model import Compression, KernelFacts
from shimtool.payload.guest_disk.limits import FILE_LIMIT
from shimtool.payload.jailed.answers import Line, Read, Refusal, check_facts, read_document
from shimtool.system.files import Stamp
from shimtool.system.typed import DamagedDocumentError, Must, Sha256, Text

_PATH = Must("begin with / and have at most 4096 bytes", lambda text: 0 < len(text) <= 4096)

Size = Annotated[int, Must("be the size of a file", lambda size: 0 <= size <= FILE_LIMIT)]
Feature = Annotated[Text, Must("have at most 64 characters", lambda text: len(text) <= 64)]
_MOST_FEATURES = 8
Count = Annotated[int, Must("be a small number", lambda number: 0 <= number < 1000)]


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
    """A ramdisk; what is not the file is as of model.Ramdisk."""

    file: ExaminedFile
    gzip: bool
    cpio: bool
    unzipped: int | None


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


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What is to be known of what boots to tell whether PV GRUB can start it."""

    compression: Compression
    bits: Literal[32, 64]
    not_for_grub: tuple[Feature, ...]


def read_glimpse(read: Read) -> Glimpse | Refusal:
    """Read the frame of an answer. Raises DamagedDocumentError."""
    kinds: list[type[Glimpse | Refusal]] = [Refusal, Glimpse]
    answer = read_document(read, kinds)
    if isinstance(answer, Glimpse) and len(answer.not_for_grub) > _MOST_FEATURES:
        raise DamagedDocumentError("they are too many", "not_for_grub")
    return answer


def read_answer(read: Read) -> Examined | Refusal:
    """Read the frame of an answer. Raises DamagedDocumentError."""
    kinds: list[type[Examined | Refusal]] = [Refusal, Examined]
    answer = read_document(read, kinds)
    if isinstance(answer, Examined):
        _check(answer)
    return answer


def _check(answer: Examined) -> None:
    """Check what the types do not say."""
    check_facts(answer.facts, answer.kernel.size)
    files = [answer.kernel, *([answer.ramdisk.file] if answer.ramdisk else ())]
    if any(not -(1 << 64) < number < 1 << 64 for each in files for number in each.stamp):
        raise DamagedDocumentError("a number is too large", "stamp")
    if any(each.stamp[0] >= 0 for each in files):  # as inside.py says
        raise DamagedDocumentError("it is that of a file of dom0's", "stamp")
