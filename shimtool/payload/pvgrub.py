"""PV GRUB images, with what a guest's config asks of them put in.

Each image holds a block for it (container/pvgrub/guest/guest.c), so that only bytes are exchanged:
nothing is quoted, and nothing is built.
"""

from dataclasses import replace

from shimtool.errors import fault
from shimtool.model import FilledFile, Kernel, PvGrubRequest
from shimtool.payload.reopen import open_source
from shimtool.plan.pvgrub import ROOM
from shimtool.system.digests import sha256_of

_MARK = b"shimtool-pvgrub\0"
_END = b"\0"


def asking(image: Kernel, request: PvGrubRequest) -> Kernel:
    """Return the image that does what is asked. Raises ShimtoolError where it has no room for it.

    The plan has refused what no request can say.
    """
    with open_source(image.file) as source:
        data = source.read()
    at = data.find(_MARK)
    if at < 0 or data.find(_MARK, at + 1) >= 0 or any(data[at + len(_MARK) :][:ROOM]):
        raise fault(
            "this PV GRUB image has no empty block for what a guest's config asks for",
            image.file.path,
            remedy="make the assets anew (make assets), or take a whole image of shimtool",
        )
    content = encoded(request)
    # A stamp that no file can have: a hash that is remembered for it is that of no other one.
    filled = replace(
        image.file,
        stamp=(-1, *image.file.stamp[1:]),
        filled=FilledFile(image.file, at + len(_MARK), content),
        lasting=False,
    )
    with open_source(filled) as source:
        return replace(image, file=replace(filled, sha256=sha256_of(source)))


def encoded(request: PvGrubRequest) -> bytes:
    """Write a request as strings, each ended by a zero byte, in the order of guest.c."""
    texts = (request.words, request.kernel, request.ramdisk, " ".join(request.disks))
    return b"".join(text.encode(errors="surrogateescape") + _END for text in texts)
