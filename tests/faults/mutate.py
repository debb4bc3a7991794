"""Damage done to good files: the same for the same seed and number, however many are made."""

import os
import random
import re
from collections.abc import Sequence

SEED = int(os.environ.get("SHIMTOOL_SEED", "2018"))

WORDS = [
    *(b"'", b'"', b"[", b"]", b"[[[[[[[[", b",", b";", b"=", b"+=", b"\\", b"#", b"\n", b"\r\n"),
    *(b"\0", b"\xff\xfe", b"\x1b[2J", b"../", b"/../../etc/passwd", b"$(touch x)", b"`id`", b"%s"),
    *(b"{}", b"---", b" --- ", b"<", b">", b"</", b"&amp;", b"&#0;", b"]]>", b"<!--", b"-->"),
    *(b"name", b"kernel=", b"disk = ['phy:", b"type='pvh'\n", b"builder='hvm'\n", b"memory=-1\n"),
    *(b"99999999999999999999", b"0x", b"1e9", b"\xe2\x80\xae", b"\xf0\x9f\x90\xa7", b"{" * 300),
    *(b"import os\n", b"for x in y:\n ", b"%(name)s", b"os.system('id')\n", b"(" * 300),
    *(b"/" * 5000, b"pygrub", b"\t", b"-1"),
    *(b"bootloader='pygrub'\n", b"file:", b",w", b"xvda", b"vif=['type=ioemu']\n"),
]  # fmt: skip
_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1 << 40)


def mutant(
    group: str, number: int, good: Sequence[bytes], *, text: bool, head: int = 4096
) -> bytes:
    """Damage one of the `good` files in 1 to 6 places, most within its first `head` bytes.

    Every second text is changed line by line, so that most of them can still be read.
    """
    choice = random.Random(f"{SEED} {group} {number}")  # noqa: S311 - no secret
    data = bytearray(choice.choice(good))
    if text:
        data = bytearray(_numbered(bytes(data), number))
    lines = text and choice.random() < 0.5
    for _ in range(choice.choice((1, 1, 1, 2, 3, 6))):
        if lines:
            _change_line(data, choice, good)
        else:
            _damage(data, choice, good, text=text, head=head)
    return bytes(data)


def _change_line(data: bytearray, choice: random.Random, good: Sequence[bytes]) -> None:
    lines = bytes(data).split(b"\n")
    at = choice.randrange(len(lines))
    match choice.randrange(6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, choice.choice(lines))
        case 2:
            lines.insert(at, choice.choice(choice.choice(good).split(b"\n")))
        case 3:
            number = b"%d" % (choice.choice(_NUMBERS) * choice.choice((1, 1, -1)))
            lines[at] = re.sub(rb"\d+", lambda _found: number, lines[at], count=1)
        case 4:
            word = re.sub(rb"[\"'<>]", b"", choice.choice(WORDS))
            whole = rb"([\"'>])[^\"'<>]*([\"'<])"
            if lines[at].lstrip().startswith(b"("):  # SXP
                whole = rb"(\([^\s()]+ )[^()]*(\))"
            lines[at] = re.sub(whole, lambda f: f[1] + word + f[2], lines[at], count=1)
        case _:
            other = choice.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
    data[:] = b"\n".join(lines)


def _numbered(data: bytes, number: int) -> bytes:
    """A name of its own, as guests of one name are refused, and a kernel that is there."""
    name = rb"""(?m)(^name\s*=\s*['"]|^\s*<name>|^[^\n=<#]*\(name\s+['"]?)"""
    data = re.sub(name, rb"\g<1>g%d-" % number, data, count=1)
    for key, value in ((b"kernel", b"/boot/vmlinuz"), (b"ramdisk|initrd", b"/boot/initrd")):
        data = re.sub(rb"""(?m)^((?:%s)\s*=\s*['"])[^'"\n]*""" % key, rb"\g<1>" + value, data)
        data = re.sub(rb"(<(?:%s)>)[^<]*" % key, rb"\g<1>" + value, data)
        data = re.sub(rb"""(\((?:%s)\s+)['"]?/[^\s)'"]+['"]?""" % key, rb"\g<1>" + value, data)
    return data


def _damage(
    data: bytearray, choice: random.Random, good: Sequence[bytes], *, text: bool, head: int
) -> None:
    length = len(data)
    at = choice.randrange(min(length, head) if choice.random() < 0.8 else length) if length else 0
    match choice.randrange(8 if text else 6):
        case 0:
            data[at : at + 1] = choice.randbytes(1)
        case 1:
            size = choice.choice((1, 2, 4, 8))
            value = choice.choice(_NUMBERS) & ((1 << 8 * size) - 1)
            data[at : at + size] = value.to_bytes(size, choice.choice(("little", "big")))
        case 2:
            del data[at : at + choice.choice((1, 2, 16, 500))]
        case 3 if choice.random() < 0.3:
            del data[at:]
        case 4:
            other = choice.choice(good)
            start = choice.randrange(len(other) or 1)
            data[at:at] = other[start : start + choice.choice((4, 64, 1000))]
        case 5:
            piece = bytes(data[at : at + choice.choice((1, 8, 100))])
            data[at:at] = piece * choice.choice((2, 50))
        case _:
            data[at:at] = choice.choice(WORDS) if text else bytes([choice.randrange(256)])
