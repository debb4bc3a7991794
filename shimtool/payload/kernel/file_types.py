"""What a file that is no kernel seems to be: a word for the admin, from its first bytes."""

from shimtool.model import Compression
from shimtool.payload.kernel import compression

HEAD = 0x8006  # bytes wanted: an ISO image shows itself at 0x8001

_SIGNS = (
    (0x202, b"HdrS", "a bzImage"),
    (0, b"\x7fELF", "an ELF file"),
    (0x8001, b"CD001", "an ISO image"),
    (0, b"MZ", "an EFI program (a unified kernel image?)"),
    (0, b"0707", "a cpio archive (a ramdisk?)"),
    (0, b"#!", "a script"),
    (0, b"hsqs", "a squashfs image"),
    (0, b"QFI\xfb", "a qcow2 disk"),
    (0, b"!<arch>", "a Debian package or archive"),
    (0, b"\xed\xab\xee\xdb", "an RPM package"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0x101, b"ustar", "a tar archive"),
    (0x438, b"\x53\xef", "an ext2/3/4 file system"),
    (0x1FE, b"\x55\xaa", "a disk or boot sector image"),
)


def describe_file_type(head: bytes) -> str:
    """Say in a few words what a file beginning with `head` looks like."""
    for offset, sign, words in _SIGNS:
        if head[offset : offset + len(sign)] == sign:
            return words
    kind = compression.detect(head)
    if kind is not Compression.NONE:
        return f"{kind} data"
    if not head.strip(b"\0"):
        return "nothing but zeros"
    if _is_text(head[:512]):
        return "a text file"
    return f"unknown data (it begins with {head[:8].hex(' ')})"


def _is_text(head: bytes) -> bool:
    return all(byte in b"\t\n\r\f\x1b" or 32 <= byte != 127 for byte in head)
