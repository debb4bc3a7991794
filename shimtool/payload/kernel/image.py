"""What a kernel file is: wrapping, compression, and what it tells Xen; and its ELF image.

bzImage { setup header, payload { compressed { ELF { notes } } } }
ELF { notes }        compressed { ELF { notes } }      (old XenLinux, pv-grub: gzip)
"""

from collections.abc import Iterator
from typing import BinaryIO, Literal

from shimtool.deferred import dataclass
from shimtool.errors import ShimtoolError, fault
from shimtool.model import Compression, KernelFacts, Wrapping
from shimtool.payload.kernel import bzimage, compression, elf, file_types
from shimtool.payload.kernel.bounded_reader import DamagedError
from shimtool.payload.kernel.notes import GUEST_OS, GUEST_VERSION, XenNotes, read_notes
from shimtool.payload.kernel.room import room
from shimtool.system.files import size_of

_BANNER = b"Linux version "
_BANNER_LIMIT = 64 << 20  # bytes of an ELF to search; the banner is in .rodata, near the start


@dataclass(frozen=True, slots=True)
class _Outside:
    """What can be said before the ELF image is looked at."""

    wrapping: Wrapping
    compression: Compression
    payload: tuple[int, int]
    version: str | None = None


def inspect(source: BinaryIO) -> KernelFacts:
    """Read what a kernel's headers and Xen notes say.

    A kernel without PV support gives facts with `pv` False; `version` is the release
    ("6.1.0-50-amd64") for Linux, else the guest version note. Raises ShimtoolError, naming the
    file, for what is no x86 kernel or damaged. Needs the memory of what the decompressor has
    touched: it stops once the notes are read (24 of 66 MB in Debian 12's kernel).
    """
    head = _head(source)
    try:
        outside = _outside(source, head)
        image = _image(source, outside)
        header = elf.read_header(image)
        segments = elf.loaded_segments(image, header)
        notes = read_notes(image, header)
    except (DamagedError, EOFError) as error:
        raise _no_kernel(source, str(error)) from None
    return KernelFacts(
        wrapping=outside.wrapping,
        compression=outside.compression,
        payload=outside.payload,
        bits=header.bits,
        pv=notes.pv,
        guest_os=notes.text(GUEST_OS),
        version=outside.version or _version(source, outside, notes),
        room=room(header, segments, notes, _declared_size(source, outside)),
    )


def glance(source: BinaryIO) -> tuple[Compression, Literal[32, 64]]:
    """Return how a kernel is packed, and its width, having read and unpacked its begin alone.

    Raises ShimtoolError as inspect does.
    """
    try:
        outside = _outside(source, _head(source))
        return outside.compression, elf.read_header(_image(source, outside)).bits
    except (DamagedError, EOFError) as error:
        raise _no_kernel(source, str(error)) from None


def unpack_elf(source: BinaryIO, facts: KernelFacts) -> Iterator[bytes]:
    """Give a kernel's ELF image, unpacked, in chunks; a bzImage's has the size it declares.

    Raises ShimtoolError when it is damaged.
    """
    total = 0
    declared = _declared_size(source, facts)
    for chunk in compression.open_stream(source, *facts.payload, facts.compression):
        total += len(chunk)
        yield chunk
    if declared not in (None, total):
        raise _no_kernel(source, f"it unpacks to {total} bytes, but says {declared}")


def _declared_size(source: BinaryIO, of: "KernelFacts | _Outside") -> int | None:
    """Return what a file says its image unpacks to: the last word of a bzImage's payload."""
    offset, length = of.payload
    if of.compression is Compression.NONE:
        return length
    if of.wrapping is not Wrapping.BZIMAGE:
        return None
    source.seek(offset + length - 4)
    return int.from_bytes(source.read(4), "little")


def _head(source: BinaryIO) -> bytes:
    source.seek(0)
    return source.read(max(bzimage.HEAD, file_types.HEAD))


def _outside(source: BinaryIO, head: bytes) -> _Outside:
    size = size_of(source)
    if bzimage.is_bzimage(head):
        setup = bzimage.read_setup(head, size)
        source.seek(setup.payload[0])
        kind = _kind(source.read(file_types.HEAD), "a bzImage holding ")
        return _Outside(Wrapping.BZIMAGE, kind, setup.payload, setup.version)
    kind = _kind(head)
    plain = kind is Compression.NONE
    return _Outside(Wrapping.ELF if plain else Wrapping.COMPRESSED_ELF, kind, (0, size))


def _kind(head: bytes, holder: str = "") -> Compression:
    """Name the compression of an ELF image's first bytes; DamagedError when it can be none."""
    kind = compression.detect(head)
    if kind is Compression.NONE and not head.startswith(elf.MAGIC):
        raise DamagedError(f"{holder}{file_types.describe_file_type(head)}")
    return kind


def _image(source: BinaryIO, outside: _Outside) -> elf.Image:
    if outside.compression is Compression.NONE:
        return elf.Plain(source, *outside.payload)
    image = elf.Forward(lambda: _chunks(source, outside))
    if image.read_at(0, 4) != elf.MAGIC:
        inner = file_types.describe_file_type(next(_chunks(source, outside)))
        raise DamagedError(f"{outside.compression} data holding {inner}")
    return image


def _chunks(source: BinaryIO, outside: _Outside) -> Iterator[bytes]:
    return compression.open_stream(source, *outside.payload, outside.compression)


def _version(source: BinaryIO, outside: _Outside, notes: XenNotes) -> str | None:
    """Find a release where there is no bzImage header to ask."""
    if (notes.text(GUEST_OS) or "").startswith("linux"):
        return _banner(_chunks(source, outside))
    return notes.text(GUEST_VERSION)


def _banner(chunks: Iterator[bytes]) -> str | None:
    """Find "Linux version RELEASE ..." in an ELF image."""
    seen, tail = 0, b""
    for chunk in chunks:
        window = tail + chunk
        at = window.find(_BANNER)
        if 0 <= at < len(window) - 100:
            words = window[at + len(_BANNER) :][:80].partition(b"\0")[0].split()
            return words[0].decode("ascii", "backslashreplace") if words else None
        seen += len(chunk)
        if seen > _BANNER_LIMIT:
            break
        tail = window[-120:]
    return None


def _no_kernel(source: BinaryIO, why: str) -> ShimtoolError:
    return fault(
        f"no kernel that Xen can start: {why}",
        source.name,
        remedy="let the config name a PV kernel (bzImage, or ELF image) or a PV GRUB image",
    )
