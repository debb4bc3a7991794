"""What Python writes and reads; tests/prestage/test_agreement.py compares with the C code."""

import struct
from dataclasses import replace

import pytest

from shimtool.model import Block
from shimtool.output.parameter_file import (
    Parameters,
    StoredFile,
    decode_parameters,
    encode_parameters,
)
from shimtool.system.typed import DamagedDocumentError
from tests.prestage.images import Params, sealed

PARAMETERS = Parameters(
    vcpus=2,
    shim=StoredFile(1 << 20),
    kernel=StoredFile(8 << 20),
    ramdisk=StoredFile(5, guarded=True),
    shim_line=b"pv-shim",
    guest_line=b"\t a  b\xff ",
    event_vector=0xF1,
)


def test_the_bytes_are_those_of_the_format() -> None:
    by_hand = Params(
        vcpus=2,
        event_vector=0xF1,
        shim_size=1 << 20,
        kernel_size=8 << 20,
        ramdisk_guard=4096,
        ramdisk_size=5,
        guest_line=b"\t a  b\xff ",
    )
    assert encode_parameters(PARAMETERS) == by_hand.encode()
    with_block = replace(PARAMETERS, block=Block(128 << 20, 363 << 20))
    by_hand = replace(by_hand, block=(128 << 20, 363 << 20))
    assert encode_parameters(with_block) == by_hand.encode()


@pytest.mark.parametrize(
    "parameters",
    [
        PARAMETERS,
        replace(PARAMETERS, ramdisk=None, event_vector=None, verbose=True),
        replace(PARAMETERS, kernel=StoredFile(1, guarded=True), vcpus=128),
        replace(PARAMETERS, shim_line=b"", guest_line=b"x" * 1023),
        replace(PARAMETERS, block=Block(128 << 20, 363 << 20)),
    ],
)
def test_what_is_written_is_read(parameters: Parameters) -> None:
    assert decode_parameters(encode_parameters(parameters)) == parameters


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        (replace(PARAMETERS, vcpus=0), r"vcpus: it must be 1 to 128 \(it is 0\)"),
        (replace(PARAMETERS, vcpus=129), r"vcpus: it must be 1 to 128 \(it is 129\)"),
        (replace(PARAMETERS, event_vector=15), "event_vector: it must be 0, or 16 to 255"),
        (replace(PARAMETERS, event_vector=256), "event_vector"),
        (replace(PARAMETERS, block=Block(0, 1 << 30)), "block: it cannot be"),
        (replace(PARAMETERS, block=Block(6 << 20, 1 << 30)), "block"),
        (replace(PARAMETERS, block=Block(8 << 20, 8 << 20)), "block"),
        (replace(PARAMETERS, event_vector=0), "no parameter file can say this"),
        (replace(PARAMETERS, guest_line=b"x" * 1024), "guest_line: it must be at most 1023 bytes"),
        (replace(PARAMETERS, shim_line=b"x" * 1024), "shim_line: it must be at most 1023 bytes"),
        (replace(PARAMETERS, guest_line=b"a\0b"), "its lines do not end where they should"),
        (replace(PARAMETERS, shim_line=b"\0"), "its lines do not end where they should"),
        (replace(PARAMETERS, kernel=StoredFile(0)), "kernel.size: it must be at least 1"),
        (replace(PARAMETERS, ramdisk=StoredFile(0)), "no parameter file can say this"),
        (
            replace(PARAMETERS, ramdisk=StoredFile(0, guarded=True)),
            "ramdisk.guard: it must be 0 without a ramdisk",
        ),
        (replace(PARAMETERS, kernel=StoredFile(1 << 32)), "does not fit into 32 bits"),
        (replace(PARAMETERS, shim=StoredFile(-1)), "does not fit into 32 bits"),
        (replace(PARAMETERS, shim=StoredFile(1, guarded=True)), "no parameter file can say this"),
    ],
)
def test_what_no_file_can_say_is_an_error(parameters: Parameters, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        encode_parameters(parameters)


def test_what_is_wrong_is_named() -> None:
    file = encode_parameters(PARAMETERS)
    for wrong, words in (
        (file[:59], r"size: it is cut short \(it is 59\)"),
        (b"P" + file[1:], "no parameter file"),
        (file[:8] + struct.pack("<I", 3) + file[12:], "version: it must be 1 or 2"),
        (file + b"\0", f"size: it must be {len(file) + 1}"),
        (file.replace(b"pv-", b"pv_"), "its checksum is wrong"),
        (Params(verbose=2).encode(), "verbose: it must be 0 or 1"),
        (Params(kernel_guard=512).encode(), "kernel.guard: it must be 0 or 4096"),
        (Params().encode(slack=b"\0"), "its lines do not end where they should"),
        (b"", "it is cut short"),
        (
            sealed(Params(shim_line=b"", guest_line=b"").encode(version=2)),
            r"cut short \(it is 62\)",
        ),
    ):
        with pytest.raises(DamagedDocumentError, match=words):
            decode_parameters(wrong)
