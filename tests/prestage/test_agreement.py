"""Python (shimtool/output/parameter_file.py) and C (params.c) hold the same files for right."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shimtool.model import Block
from shimtool.output.parameter_file import (
    Parameters,
    StoredFile,
    decode_parameters,
    encode_parameters,
)
from shimtool.system.typed import DamagedDocumentError
from tests.conftest import EXAMPLES
from tests.prestage.native import Job, Native, RefusedError, Region
from tests.prestage.test_params import AT, hostile_files, right_params

lines = st.binary(max_size=1023).map(lambda line: line.replace(b"\0", b" "))
sizes = st.integers(1, 2**32 - 1)
stored = st.builds(StoredFile, sizes, st.booleans())
parameters = st.builds(
    Parameters,
    vcpus=st.integers(1, 128),
    shim=st.builds(StoredFile, sizes),
    kernel=stored,
    ramdisk=st.none() | stored,
    shim_line=lines,
    guest_line=lines,
    event_vector=st.none() | st.integers(0x10, 0xFF),
    block=st.none()
    | st.builds(
        Block,
        st.integers(22, 29).map(lambda power: 1 << power),
        st.integers(1 + (1 << 29), 1 << 31),
    ),
    verbose=st.booleans(),
)


def as_c_reads(native: Native, file: bytes) -> Parameters | None:
    """Return what the C code makes of a file, None where it refuses."""
    try:
        numbers = native.run(Job.PARAMS, [Region(AT, file)]).numbers
    except RefusedError:
        return None
    verbose, vcpus, vector, shim, kernel_guard, kernel, ramdisk_guard, ramdisk, *rest = numbers
    block, enough, *places = rest
    shim_line, guest_line = (file[at - AT :].partition(b"\0")[0] for at in places)
    return Parameters(
        vcpus=vcpus,
        shim=StoredFile(shim),
        kernel=StoredFile(kernel, kernel_guard == 4096),
        ramdisk=StoredFile(ramdisk, ramdisk_guard == 4096) if ramdisk else None,
        shim_line=shim_line,
        guest_line=guest_line,
        event_vector=vector or None,
        block=Block(block, enough) if block else None,
        verbose=verbose == 1,
    )


def as_python_reads(file: bytes) -> Parameters | None:
    try:
        return decode_parameters(file)
    except DamagedDocumentError:
        return None


@given(wanted=parameters)
def test_what_python_writes_c_reads(native: Native, wanted: Parameters) -> None:
    file = encode_parameters(wanted)
    assert as_c_reads(native, file) == as_python_reads(file) == wanted


@given(file=hostile_files() | right_params().map(lambda params: params.encode()))
@settings(max_examples=EXAMPLES // 10)
def test_both_read_or_refuse_the_same(native: Native, file: bytes) -> None:
    assert as_c_reads(native, file) == as_python_reads(file)
