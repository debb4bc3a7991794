"""ACPI lists as many processors as the guest has vCPUs: the MADT, and the way to it."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import EXAMPLES
from tests.prestage.images import (
    IO_APIC,
    TABLES,
    acpi,
    apic,
    checksummed,
    madt,
    root_pointer,
    table,
    x2apic,
)
from tests.prestage.native import Answer, Job, Native, RefusedError, Region

NMI = b"\4\6\xff\0\0\1"  # a local APIC's, of all processors: type 4


def trim(native: Native, data: bytes, wanted: int) -> Answer:
    return native.run(Job.TRIM_MADT, [Region(TABLES, data)], wanted)


def trimmed(native: Native, wanted: int, *entries: bytes) -> bytes:
    """Return the MADT as its length field then bounds it; its checksum is right."""
    (memory,) = trim(native, madt(*entries), wanted).memory
    found = memory[: int.from_bytes(memory[4:8], "little")]
    assert not sum(found) & 0xFF
    return found


def test_the_first_enabled_processors_stay(native: Native) -> None:
    entries = [apic(0), IO_APIC, apic(1, enabled=False), apic(2), apic(3), NMI]
    assert trimmed(native, 2, *entries) == madt(apic(0), IO_APIC, apic(2), NMI)


def test_x2apics_are_processors_too(native: Native) -> None:
    entries = [apic(0), x2apic(300, enabled=False), x2apic(301), x2apic(302), apic(1)]
    assert trimmed(native, 2, *entries) == madt(apic(0), x2apic(301))
    assert trimmed(native, 4, *entries) == madt(apic(0), x2apic(301), x2apic(302), apic(1))


def test_xen_46_lists_128(native: Native) -> None:
    entries = [apic(number, enabled=number < 2) for number in range(128)]
    assert trimmed(native, 2, *entries, IO_APIC) == madt(apic(0), apic(1), IO_APIC)
    said = trim(native, madt(*entries), 2)
    assert said.numbers == (2,)


def test_a_right_table_stays_as_it_is(native: Native) -> None:
    data = madt(apic(0), apic(1), IO_APIC, NMI)
    assert trimmed(native, 2, apic(0), apic(1), IO_APIC, NMI) == data
    assert trim(native, data, 128).numbers == (2,)


@pytest.mark.parametrize("tail", [b"\0", b"\0\0", b"\0\1", b"\0\x09", b"\x7f\xff"])
def test_a_damaged_entry_is_told(native: Native, tail: bytes) -> None:
    with pytest.raises(RefusedError, match=r"\(MADT\) is damaged at byte 52 of"):
        trim(native, madt(apic(0), tail), 1)


def test_a_short_table_is_told(native: Native) -> None:
    with pytest.raises(RefusedError, match="cut short: 43 bytes"):
        trim(native, madt()[:43], 1)


def test_a_short_processor_is_none(native: Native) -> None:
    short, short_x2apic = b"\0\7" + b"\xff" * 5, b"\x09\x0f" + b"\xff" * 13
    entries = [short, short_x2apic, apic(0)]
    assert trimmed(native, 1, *entries) == madt(*entries)


numbers = st.integers(0, 127)
processors = st.builds(apic, numbers, enabled=st.booleans()) | st.builds(
    x2apic, numbers, enabled=st.booleans()
)
others = st.builds(
    lambda kind, rest: bytes([kind, len(rest) + 2]) + rest,
    st.sampled_from([1, 2, 4, 5, 10, 127, 255]),
    st.binary(max_size=30),
)


def is_processor(entry: bytes) -> bool:
    return entry[0] in (0, 9)


def is_enabled(entry: bytes) -> bool:
    return bool(entry[4 if entry[0] == 0 else 8] & 1)


def kept(entries: Sequence[bytes], wanted: int) -> list[bytes]:
    """What a MADT lists afterwards, said in another way."""
    enabled = [at for at, entry in enumerate(entries) if is_processor(entry) and is_enabled(entry)]
    stay = set(enabled[:wanted])
    return [e for at, e in enumerate(entries) if not is_processor(e) or at in stay]


@given(entries=st.lists(processors | others, max_size=40), wanted=st.integers(0, 20))
@settings(max_examples=EXAMPLES // 10)
def test_any_table(native: Native, entries: list[bytes], wanted: int) -> None:
    assert trimmed(native, wanted, *entries) == madt(*kept(entries, wanted))


@given(data=st.binary(max_size=300), wanted=st.integers(0, 20))
@settings(max_examples=EXAMPLES // 10)
def test_junk_is_trimmed_or_refused(native: Native, data: bytes, wanted: int) -> None:
    """What stays has nothing left to trim."""
    try:
        (memory,) = trim(native, data, wanted).memory
    except RefusedError:
        return
    found = memory[: int.from_bytes(memory[4:8], "little")]
    assert not sum(found) & 0xFF
    assert trim(native, found, wanted).memory == (found,)


# --- finding it -------------------------------------------------------------------------------


def keep(native: Native, regions: Sequence[Region], wanted: int = 1) -> Answer:
    return native.run(Job.KEEP_PROCESSORS, regions, wanted)


def refusal(native: Native, regions: Sequence[Region]) -> str:
    with pytest.raises(RefusedError) as caught:
        keep(native, regions)
    return str(caught.value)


FOUR = madt(*(apic(number) for number in range(4)), IO_APIC)
ONE = madt(apic(0), IO_APIC)
BIOS = bytes(0x20000)


def firmware(pointer: bytes, *tables: tuple[int, bytes], ebda: int = 0) -> list[Region]:
    """Memory with a root pointer at the end of the BIOS, or in an EBDA."""
    bios = BIOS if ebda else BIOS[len(pointer) + 12 :] + pointer + bytes(12)
    return [
        Region(0x40E, (ebda >> 4).to_bytes(2, "little")),
        Region(0xE0000, bios),
        *([Region(ebda, bytes(976) + pointer + bytes(12))] if ebda else []),
        *(Region(TABLES + at, data) for at, data in tables),
    ]


def listing(signature: bytes, *addresses: int) -> bytes:
    width = 4 if signature == b"RSDT" else 8
    return table(signature, b"".join(each.to_bytes(width, "little") for each in addresses))


def test_the_rsdt_leads_to_it(native: Native) -> None:
    done = keep(native, acpi(FOUR))
    assert done.numbers == (1,)
    assert done.memory[-1][: len(ONE)] == ONE


@pytest.mark.parametrize("ebda", [0, 0x9FC00])
def test_the_xsdt_leads_to_it(native: Native, ebda: int) -> None:
    pointer = root_pointer(0, TABLES, revision=2)
    xsdt = listing(b"XSDT", TABLES + (1 << 32), TABLES + 0x100)
    done = keep(native, firmware(pointer, (0, xsdt), (0x100, FOUR), ebda=ebda))
    assert done.numbers == (1,)
    assert done.memory[-1][: len(ONE)] == ONE


def test_both_lead_to_tables_of_their_own(native: Native) -> None:
    pointer = root_pointer(TABLES, TABLES + 0x100, revision=2)
    tables = (
        (0, listing(b"RSDT", TABLES + 0x200)),
        (0x100, listing(b"XSDT", TABLES + 0x300)),
        (0x200, FOUR),
        (0x300, FOUR),
    )
    done = keep(native, firmware(pointer, *tables))
    assert [memory[: len(ONE)] for memory in done.memory[-2:]] == [ONE, ONE]


def test_a_table_above_4_gb_is_none_below(native: Native) -> None:
    pointer = root_pointer(0, TABLES, revision=2)
    xsdt = listing(b"XSDT", TABLES + 0x100 + (1 << 32))
    assert "no enabled processor" in refusal(native, firmware(pointer, (0, xsdt), (0x100, FOUR)))


def test_both_may_lead_to_the_same_table(native: Native) -> None:
    pointer = root_pointer(TABLES, TABLES + 0x100, revision=2)
    tables = (
        (0, listing(b"RSDT", TABLES + 0x200)),
        (0x100, listing(b"XSDT", TABLES + 0x200)),
        (0x200, FOUR),
    )
    done = keep(native, firmware(pointer, *tables))
    assert done.numbers == (1,)
    assert done.memory[-1][: len(ONE)] == ONE


def test_an_old_root_pointer_has_no_xsdt(native: Native) -> None:
    pointer = root_pointer(TABLES, 0xBAD00000, revision=0)
    tables = ((0, listing(b"RSDT", TABLES + 0x100)), (0x100, FOUR))
    assert keep(native, firmware(pointer, *tables)).numbers == (1,)


def test_a_guest_with_fewer_processors_than_wanted_starts_with_those(native: Native) -> None:
    assert keep(native, acpi(FOUR), 7).numbers == (4,)


def test_what_is_missing_or_damaged_is_told(native: Native) -> None:
    damaged = FOUR[:-1] + b"\xff"
    pointer = root_pointer(TABLES)
    long = table(b"APIC", b"")[:4] + (2**20 + 1).to_bytes(4, "little") + bytes(28)
    short = checksummed(b"APIC" + (35).to_bytes(4, "little") + bytes(28), 9)
    high = root_pointer(0, 1 << 32, revision=2)
    rsdt = listing(b"RSDT", TABLES + 0x100)
    assert "no ACPI tables" in refusal(native, firmware(bytes(36)))
    assert "no ACPI tables" in refusal(native, firmware(pointer.replace(b"TESTS", b"other")))
    assert "above 4 GB" in refusal(native, firmware(high))
    for wrong in (damaged, long, short):
        assert "ACPI's table at 0x3000100 is damaged" in refusal(
            native, firmware(pointer, (0, rsdt), (0x100, wrong))
        )
    assert "no enabled processor" in refusal(native, firmware(pointer, (0, FOUR)))
    for none in (madt(), madt(apic(0, enabled=False)), table(b"FACP", b"")):
        assert "no enabled processor" in refusal(
            native, firmware(pointer, (0, rsdt), (0x100, none))
        )


@given(at=st.integers(8, len(FOUR) - 1), byte=st.integers(0, 255), mended=st.booleans())
def test_a_damaged_madt_is_refused_or_trimmed(
    native: Native, at: int, byte: int, mended: bool
) -> None:
    hostile = FOUR[:at] + bytes([byte]) + FOUR[at + 1 :]
    changed = hostile != FOUR
    try:
        done = keep(native, acpi(checksummed(hostile, 9) if mended else hostile))
    except RefusedError:
        assert changed
        return
    assert mended or not changed
    assert done.numbers == (1,)
