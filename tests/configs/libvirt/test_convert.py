"""Edits: nothing moves but what the plan says; the result is read back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shimtool.configs.libvirt.convert import _Work, convert, is_ours
from shimtool.configs.libvirt.domain import parse
from shimtool.configs.libvirt.names import outputs_named
from shimtool.configs.libvirt.xml import Element
from shimtool.errors import ShimtoolError
from shimtool.model import ConfigEdits, Guest, GuestType, Host, MemoryWish, Mode, Settings
from shimtool.plan.libvirt import edits
from shimtool.plan.memory import memory as size_of
from shimtool.plan.memory import with_share
from tests.configs.libvirt.support import GOOD, HERE, domain, image, small
from tests.conftest import EXAMPLES

NOTHING = ConfigEdits((), ())


def planned(guest: Guest, mode: Mode, memory: MemoryWish = MemoryWish.SAME) -> ConfigEdits:
    chosen = Settings(memory=memory)
    return edits(
        guest, image(), size_of(guest, image(), Host((4, 17, 0)), mode, chosen), mode, chosen
    )


def elements(root: Element) -> Iterator[Element]:
    yield root
    for child in root.children:
        yield from elements(child)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_spans_are_those_of_the_elements(path: Path) -> None:
    data = path.read_bytes()
    for each in elements(parse(data, HERE).root):
        text = data[each.start : each.end]
        assert text.startswith(b"<")
        assert text.endswith(b">")
        local = each.name.rpartition(" ")[2].encode()
        assert re.match(rb"<(\w+:)?%s[\s/>]" % local, text)
        assert each.inside[1] == each.end or data[each.inside[1] :].startswith(b"</")
        assert each.line == 1 + data.count(b"\n", 0, each.start)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("memory", MemoryWish)
def test_all_but_the_edits_is_byte_for_byte(path: Path, mode: Mode, memory: MemoryWish) -> None:
    before = parse(path.read_bytes(), HERE)
    untouched(before.data, before.guest(), mode, memory)


def untouched(data: bytes, guest: Guest, mode: Mode, memory: MemoryWish = MemoryWish.SAME) -> None:
    """Apply the plan; every stretch of the old bytes between two edits is in the new, in order."""
    old = parse(data, HERE)
    plan = planned(guest, mode, memory)
    new = convert(old, plan)
    work = _Work(old.data, old.root)
    work.apply(plan)
    work.mark()
    position = found = 0
    for span in sorted(work.result(), key=lambda each: (each.start, each.end)):
        kept = data[position : span.start]
        at = new.index(kept, found)
        assert at == found
        found = at + len(kept) + len(span.new)
        assert new[at + len(kept) : found] == span.new
        position = span.end
    assert new[found:] == data[position:]
    again = parse(new, HERE)
    assert is_ours(again)
    assert again.guest().type.value == mode.value
    assert again.guest().name == guest.name
    assert [disk.vdev for disk in again.guest().disks] == [disk.vdev for disk in guest.disks]
    assert len(again.guest().vifs) == len(guest.vifs)
    assert again.guest().maxvcpus == again.guest().vcpus == guest.vcpus
    assert again.guest().maxmem == again.guest().memory
    more = with_share(image().shim, guest.memory)
    assert again.guest().memory == (more if memory is MemoryWish.SAME else guest.memory)


def test_without_settings_only_the_mark_comes() -> None:
    for path in GOOD:
        before = parse(path.read_bytes(), HERE)
        after = convert(before, NOTHING)
        mark = re.compile(rb"\n?[ \t]*<shimtool:converted [^>]*/>\n?")
        rest = mark.sub(b"", after)
        rest = re.sub(rb"\n?[ \t]*<metadata>\s*</metadata>\n?", b"", rest)
        assert re.sub(rb"\s", b"", rest) == re.sub(rb"\s", b"", before.data)


def test_libvirt_may_write_the_mark_anew() -> None:
    mark = '<x:converted xmlns:x="urn:shimtool:libvirt:1"/>'
    assert is_ours(domain(small(f"<metadata>{mark}</metadata>")))
    assert not is_ours(domain(small(f"<!-- {mark} --><title>urn:shimtool:libvirt:1</title>")))
    assert not is_ours(domain(small("<metadata><converted/></metadata>")))


def test_no_password_is_copied() -> None:
    before = domain(small(devices="<graphics type='vnc' passwd='hidden'><listen/></graphics>"))
    for mode in Mode:
        after = convert(before, planned(before.guest(), mode))
        assert b"hidden" not in after
        assert b"graphics" not in after


def test_values_cannot_break_out() -> None:
    bad = "'\"><evil/>&amp;]]>\n\té\U0001f600"
    set_all = ConfigEdits((), (("devices/emulator", bad), ("os/type@machine", bad), ("new/x", bad)))
    after = parse(convert(domain(small()), set_all), HERE)
    assert after.root.find("devices/emulator").text == bad  # type: ignore[union-attr] # was set
    assert after.root.find("os/type").attributes["machine"] == bad  # type: ignore[union-attr] # was set
    assert after.root.find("new/x").text == bad  # type: ignore[union-attr] # was set
    assert convert(domain(small()), set_all).isascii()
    with pytest.raises(ShimtoolError, match="XML cannot hold"):
        convert(domain(small()), ConfigEdits((), (("devices/emulator", "\x01"),)))


def test_what_verify_needs() -> None:
    before = domain(
        small("<bootloader>pygrub</bootloader>").replace("<kernel>/boot/k</kernel>", "")
    )
    hvm = parse(convert(before, planned(before.guest(), Mode.HVM)), HERE)
    assert list(outputs_named(hvm)) == [
        ("device-model script", "/var/lib/xen/shimtool/shimtool-dm"),
        ("boot ISO", "/var/lib/xen/shimtool/n.iso"),
    ]
    pvh = parse(convert(before, planned(before.guest(), Mode.PVH)), HERE)
    assert [what for what, _ in outputs_named(pvh)] == ["shim", "PV GRUB image"]
    with pytest.raises(ShimtoolError, match="not a config of ours"):
        list(outputs_named(before))


# --- any XML at all -------------------------------------------------------------------------------

SEEDS = [path.read_bytes() for path in GOOD]
PIECES = st.sampled_from(
    [
        b"", b"<", b">", b"/>", b"'", b'"', b"&", b"&lt;", b"&#0;", b"<!--", b"-->", b"<![CDATA[",
        b"]]>", b"\n", b"\r\n", b" ", b"\0", b"\xff", b"<os>", b"</os>", b"<os/>", b"<devices/>",
        b"<devices>", b"</devices>", b"<metadata/>", b"<vcpu current='1'>2</vcpu>", b"</domain>",
        b"<memory unit='GiB'>1</memory>", b"<currentMemory>1024</currentMemory>", b"<features/>",
        b"<disk><target dev='xvda'/><readonly/></disk>", b"<interface/>", b"<console/>", b"<boot/>",
        b"<kernel>/k</kernel>", b"<bootloader/>", b"<type>xen</type>", b"<emulator/>", b"<model/>",
        b"<graphics><video/></graphics>", b"<type>", b"</type>", b" machine='x'", b" device='disk'",
        b"<?pi ?>", b"<features><xen><e820_host/></xen></features>", b"<target/>", b"<serial/>",
    ]
)  # fmt: skip


# A read-only disk and an interface, and more than one place for them.
TWO_DEVICES = (
    small()
    .replace("<devices>", "<devices/><devices>")
    .replace("</devices>", "<disk><target dev='xvdb'/><readonly/></disk><interface/></devices>")
    .encode()
)

# These leave XML what it is.
WHOLE = PIECES.filter(lambda text: re.fullmatch(rb"\s+|<(\w+)\b.*(/>|</\1>)|<!--.*-->", text))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data, sound = draw(st.sampled_from(SEEDS)), draw(st.booleans())
    for _ in range(draw(st.integers(1, 4))):
        # Mostly at the edges of tags, where the result is often still XML.
        edges = [match.start() for match in re.finditer(rb"<|(?<=>)", data)] or [0]
        start = draw(st.one_of(st.sampled_from(edges), st.integers(0, len(data))))
        end = draw(st.one_of(st.just(start), st.sampled_from(edges), st.integers(0, len(data))))
        if sound:
            start = end = draw(st.sampled_from([match.end() for match in re.finditer(b">", data)]))
        start, end = min(start, end), max(start, end)
        if end - start > 400:
            end = start
        data = data[:start] + draw(WHOLE if sound else PIECES) + data[end:]
    return data


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=mutated(), mode=st.sampled_from(list(Mode)))
@example(data=small().replace("/boot/k", "/boot/k<boot/>").encode(), mode=Mode.PVH)
@example(data=small().replace("linux</type>", "linux<x/></type>").encode(), mode=Mode.HVM)
@example(data=small("<devices><emulator/></devices>").encode(), mode=Mode.HVM)
@example(data=small("<os><type>hvm</type></os>").encode(), mode=Mode.HVM)
@example(data=TWO_DEVICES, mode=Mode.HVM)
@example(
    data=small("<bootloader>pygrub</bootloader>").replace("<os>", "<os/><os>").encode(),
    mode=Mode.HVM,
)
def test_a_guest_or_a_refusal(data: bytes, mode: Mode) -> None:
    try:
        guest = parse(data, HERE).guest()
    except ShimtoolError as error:
        assert all(fault.where for fault in error.faults)
        return
    if guest.type is GuestType.PV:
        untouched(data, guest, mode)
