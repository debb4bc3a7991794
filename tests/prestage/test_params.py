"""The parameter file: every field is checked, and nothing but a right one is taken."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import EXAMPLES
from tests.prestage.images import Params, sealed
from tests.prestage.native import Job, Native, RefusedError, Region

AT = 0x1300000
HEADER = 60  # bytes
PARAMS = Params()

lines = st.binary(max_size=1023).map(lambda line: line.replace(b"\0", b"\1"))
guards = st.sampled_from([0, 4096])
sizes = st.integers(1, 2**32 - 1)
vectors = st.just(0) | st.integers(0x10, 0xFF)
blocks = st.none() | st.sampled_from([(4 << 20, 5 << 20), (128 << 20, 1 << 30), (1 << 29, 1 << 31)])
ramdisks = st.just((0, 0)) | st.tuples(guards, sizes)


@st.composite
def right_params(draw: st.DrawFn) -> Params:
    ramdisk_guard, ramdisk_size = draw(ramdisks)
    return Params(
        verbose=draw(st.integers(0, 1)),
        vcpus=draw(st.integers(1, 128)),
        event_vector=draw(vectors),
        shim_size=draw(sizes),
        kernel_guard=draw(guards),
        kernel_size=draw(sizes),
        ramdisk_guard=ramdisk_guard,
        ramdisk_size=ramdisk_size,
        block=draw(blocks),
        shim_line=draw(lines),
        guest_line=draw(lines),
    )


def read(native: Native, file: bytes) -> tuple[int, ...]:
    return native.run(Job.PARAMS, [Region(AT, file)]).numbers


def refusal(native: Native, file: bytes) -> str:
    with pytest.raises(RefusedError) as caught:
        read(native, file)
    line = str(caught.value)
    assert line.startswith("prestage: cannot start the guest: ")
    assert line.endswith("\r\n")
    assert line.count("\n") == 1
    return line


@given(params=right_params())
def test_a_right_file_is_read_as_it_is(native: Native, params: Params) -> None:
    shim_line = AT + HEADER + (0 if params.block is None else 8)
    assert read(native, params.encode()) == (
        *(params.verbose, params.vcpus, params.event_vector, params.shim_size),
        *(params.kernel_guard, params.kernel_size, params.ramdisk_guard, params.ramdisk_size),
        *(params.block or (0, 0)),
        *(shim_line, shim_line + len(params.shim_line) + 1),
    )


WRONG = {
    "says verbose 2": replace(PARAMS, verbose=2),
    "wants 0 vCPUs": replace(PARAMS, vcpus=0),
    "wants 129 vCPUs": replace(PARAMS, vcpus=129),
    "wants 4294967295 vCPUs": replace(PARAMS, vcpus=2**32 - 1),
    "event vector 0xf": replace(PARAMS, event_vector=0xF),
    "event vector 0x100": replace(PARAMS, event_vector=0x100),
    "a guard of 512 bytes": replace(PARAMS, kernel_guard=512),
    "a guard of 8192 bytes": replace(PARAMS, ramdisk_guard=8192, ramdisk_size=1),
    "that the kernel is empty": replace(PARAMS, kernel_size=0),
    "a guard before no ramdisk": replace(PARAMS, ramdisk_guard=4096),
    "a block of 0x0 bytes": replace(PARAMS, block=(0, 1 << 30)),
    "a block of 0x200000 bytes": replace(PARAMS, block=(2 << 20, 1 << 30)),
    "a block of 0x600000 bytes": replace(PARAMS, block=(6 << 20, 1 << 30)),
    "a block of 0x40000000 bytes": replace(PARAMS, block=(1 << 30, 1 << 31)),
    "0x8000000 bytes of memory are enough": replace(PARAMS, block=(128 << 20, 128 << 20)),
    "0x80000001 bytes of memory are enough": replace(PARAMS, block=(128 << 20, (1 << 31) + 1)),
    "a shim's line of 1024 bytes": replace(PARAMS, shim_line=b"x" * 1024),
    "a guest's line of 1024 bytes": replace(PARAMS, guest_line=b"x" * 1024),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_field_is_named(native: Native, words: str) -> None:
    assert words in refusal(native, WRONG[words].encode())


def test_other_files_are_told_apart(native: Native) -> None:
    assert "no parameter file" in refusal(native, PARAMS.encode(magic=b"PRESTAGE"))
    assert "version 3, this pre-stage knows 1 and 2" in refusal(native, PARAMS.encode(version=3))
    assert "cut short: 59 bytes" in refusal(native, PARAMS.encode()[:59])
    bare = sealed(replace(PARAMS, shim_line=b"", guest_line=b"").encode(version=2))
    assert "cut short: 62 bytes" in refusal(native, bare)


def test_size_and_checksum_are_checked(native: Native) -> None:
    file = PARAMS.encode()
    assert f"has {len(file) + 1} bytes, and says {len(file)}" in refusal(native, file + b"\0")
    assert f"has {len(file) - 1} bytes, and says {len(file)}" in refusal(native, file[:-1])
    assert "checksum is wrong" in refusal(native, file.replace(b"xvda1", b"xvda2"))


def test_lines_fill_the_rest(native: Native) -> None:
    assert "the lines in the parameter file take" in refusal(native, PARAMS.encode(slack=b"\0"))


@pytest.mark.parametrize(
    "file",
    [
        replace(PARAMS, guest_line=b"a\0b").encode(),
        replace(PARAMS, shim_line=b"\0").encode(),
        sealed(PARAMS.encode()[:-1] + b"x"),
        sealed(PARAMS.encode().replace(b"pv-shim\0", b"pv-shimx")),
    ],
)
def test_a_line_ends_at_its_length_only(native: Native, file: bytes) -> None:
    assert "does not end where it should" in refusal(native, file)


@st.composite
def hostile_files(draw: st.DrawFn) -> bytes:
    """Draw a file with a wrong number in its header, perhaps cut short or sealed again."""
    file = bytearray(draw(right_params()).encode())
    at = draw(st.integers(0, HEADER - 4))
    file[at : at + 4] = draw(st.integers(0, 2**32 - 1)).to_bytes(4, "little")
    del file[len(file) - draw(st.integers(0, 80)) :]
    return sealed(bytes(file)) if draw(st.booleans()) and len(file) >= HEADER else bytes(file)


@given(file=hostile_files())
@settings(max_examples=EXAMPLES // 10)
def test_hostile_files_are_read_or_refused(native: Native, file: bytes) -> None:
    try:
        shim_line, guest_line = read(native, file)[-2:]
    except RefusedError:
        return
    assert file.index(b"\0", shim_line - AT) == guest_line - AT - 1
    assert file.index(b"\0", guest_line - AT) == len(file) - 1


@given(junk=st.binary(max_size=200))
def test_junk_is_refused(native: Native, junk: bytes) -> None:
    refusal(native, junk)
    refusal(native, b"prestage\1\0\0\0" + junk)
