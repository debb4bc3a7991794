"""shimtool.yaml: any bytes of paths come back, and whatever is wrong with it is a clear error."""

import itertools
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shimtool.errors import ShimtoolError
from shimtool.model import Compression, KernelFacts, Mode, Wrapping
from shimtool.output.report import FILE_NAME, Input, Output, Record, Report
from shimtool.output.report_file import encoded, load, render, write
from tests.conftest import EXAMPLES

FIXTURES = [HealthCheck.function_scoped_fixture]  # a folder, whose one file each example replaces
INPUT = Input("/boot/vmlinuz", "/kernels/vmlinuz", "a" * 64, (2049, 17, 5_000_000, 1_700_000_000))
FACTS = KernelFacts(Wrapping.BZIMAGE, Compression.XZ, (512, 4096), 64, pv=True, guest_os="linux")

INFINITE = [float("inf"), 1, 2, 3]


def report(path: str = "/boot/initrd") -> Report:
    record = Record(
        name="web01",
        mode=Mode.HVM,
        shim="4.10.4",
        shim_sha256="e" * 64,
        fingerprint="b" * 64,
        config=Input(path, path, "c" * 64, (1, 2, 3, 4)),
        inputs=(INPUT, Input(path, path, "d" * 64, (5, 6, 7, 8))),
        outputs=(Output("web01.iso", 700_000, 1), Output(path, 300, 2)),
        warnings=(f"mind {path}",),
        options={"xen": "4.9.2", "kernels": (path,), "in_place": True},
    )
    return Report({"web01": record}, {"a" * 64: FACTS})


def loaded(folder: Path, data: bytes) -> Report | None:
    """The report as read; None where it is refused, which is always a ShimtoolError."""
    (folder / FILE_NAME).unlink(missing_ok=True)  # never in place: what was read stays readable
    (folder / FILE_NAME).write_bytes(data)
    try:
        return load(folder)
    except ShimtoolError as error:
        assert "damaged" in error.faults[0].message or "is empty" in str(error)
        assert error.faults[0].remedy
        return None


@settings(deadline=None, max_examples=EXAMPLES // 20, suppress_health_check=FIXTURES)
@given(path=st.binary(min_size=1, max_size=40).filter(lambda data: b"\0" not in data))
@example(path=b"/etc/xen/caf\xe9.cfg")
@example(path="/etc/xen/café \U0001f600\x85\u2028\ufffe.cfg".encode())
@example(path=b"null")
@example(path=b"2026-01-01")
@example(path=b"0x10")
@example(path=b"\n \t- a: b #")
def test_any_path_comes_back(path: bytes, tmp_path: Path) -> None:
    before = report(path.decode(errors="surrogateescape"))
    text = b"".join(render(before))
    assert loaded(tmp_path, text) == before
    for loader in (yaml.SafeLoader, yaml.CSafeLoader):
        assert yaml.load(text, Loader=loader) == json.loads(text)  # noqa: S506 - safe ones


def test_plain_text_stays_readable() -> None:
    text = b"".join(render(report("/etc/xen/web01.cfg"))).decode()
    assert '"path": "/etc/xen/web01.cfg", ' in text
    assert "base64" not in text


def test_no_report_is_an_empty_one(tmp_path: Path) -> None:
    assert load(tmp_path) == Report()


@settings(deadline=None, max_examples=EXAMPLES // 20, suppress_health_check=FIXTURES)
@given(data=st.data())
def test_changed_text(data: st.DataObject, tmp_path: Path) -> None:
    text = bytearray(b"".join(render(report())))
    for _ in range(data.draw(st.integers(1, 6))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    readable(tmp_path, bytes(text))


def readable(folder: Path, data: bytes) -> None:
    """What is taken can be written again, and used as convert uses it."""
    found = loaded(folder, data)
    if found is not None:
        kept = tuple(each for each in found.damaged if each.content)
        again = loaded(folder, b"".join(render(found)))
        assert again and (again.guests, again.kernels) == (found.guests, found.kernels)
        assert [each.content for each in again.damaged] == [each.content for each in kept]
        assert all(type(part) is int for stamp in found.digests() for part in stamp)
        for record in found.guests.values():
            for output in record.outputs:
                (folder / output.path[:200]).exists()


def spots(value: dict[Any, Any] | list[Any]) -> list[tuple[Any, Any]]:
    """Every (container, key) inside a document."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    here = [(value, key) for key, _ in pairs]
    return here + [
        spot for _, inner in pairs if isinstance(inner, dict | list) for spot in spots(inner)
    ]


ODD: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@settings(deadline=None, max_examples=EXAMPLES // 20, suppress_health_check=FIXTURES)
@given(data=st.data())
def test_changed_structure(data: st.DataObject, tmp_path: Path) -> None:
    document = json.loads(b"".join(render(report())))
    holder, key = data.draw(st.sampled_from(spots(document)))
    change = data.draw(st.sampled_from(["put", "remove", "rename"]))
    value = holder.pop(key) if change != "put" else data.draw(ODD)
    if change == "put":
        holder[key] = value
    elif change == "rename" and isinstance(holder, dict):
        holder[data.draw(st.integers() | st.text() | st.none())] = value
    readable(tmp_path, json.dumps(document, default=str).encode())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("guests.0.name", 5),
        ("guests.0.mode", "xen"),
        ("guests.0.config.sha256", 5),
        ("guests.0.config.path", 5),
        ("guests.0.config.here", "a\0b"),
        ("guests.0.inputs.0.stamp", INFINITE),
        ("guests.0.inputs.0.stamp", [1, 2, 3]),
        ("guests.0.inputs.0.stamp", [True, 1, 2, 3]),
        ("guests.0.inputs", "text"),
        ("guests.0.outputs.0.path", None),
        ("guests.0.warnings", [5]),
        ("guests.0.more", 1),
        ("guests.0.options", ["xen"]),
        ("guests.0.options.xen", 4.9),
        ("guests.0.options.kernels", [1]),
        ("guests.0.config.path", {"base64": "a", "b": 1}),
        ("guests", {}),
        ("kernels", {5: 5}),
        ("kernels", []),
        (f"kernels.{'a' * 64}.payload", [1]),
        (f"kernels.{'a' * 64}.payload", [0, 2]),
        (f"kernels.{'a' * 64}.payload", [-1, 5]),
        (f"kernels.{'a' * 64}.payload", [1 << 70, 5]),
        (f"kernels.{'a' * 64}.bits", 16),
        (f"kernels.{'a' * 64}.pv", "yes"),
        (f"kernels.{'a' * 64}.compression", "rot13"),
    ],
)
def test_wrong_types_are_damage(tmp_path: Path, path: str, value: object) -> None:
    document = json.loads(b"".join(render(report())))
    holder, *keys = document, *path.split(".")
    for key in keys[:-1]:
        holder = holder[int(key) if isinstance(holder, list) else key]
    holder[keys[-1]] = value
    found = loaded(tmp_path, json.dumps(document, default=str).encode())
    if path in ("guests", "kernels") and value != {5: 5}:
        assert found is None
        return
    assert found
    (damaged,) = found.damaged
    if path.startswith("kernels"):
        assert set(found.guests) == {"web01"}
        assert not found.kernels
        assert not damaged.content
        assert "what the report knows of a kernel is damaged: kernels[" in damaged.fault.message
    else:
        assert not found.guests
        unnamed = path == "guests.0.name" or value == INFINITE  # no JSON: nothing of it is known
        assert damaged.name == ("guests[0]" if unnamed else "web01")
        assert ": guests[0]" in damaged.fault.message
    named = [key for key in keys if not key.isdigit()][-1]
    assert named[:16] in damaged.fault.message or value == INFINITE
    assert str(damaged.fault.where) == str(tmp_path / FILE_NAME)
    assert damaged.fault.remedy


def test_damage_is_of_one_guest_and_nothing_is_lost(tmp_path: Path) -> None:
    """The others are there, and a report written again holds the damaged record as it was."""
    whole = json.loads(b"".join(render(report("/boot/caf\udce9"))))
    other = json.loads(json.dumps(whole["guests"][0])) | {"name": "web02"}
    other["config"]["sha256"] = "short"
    whole["guests"].append(other)
    found = loaded(tmp_path, json.dumps(whole).encode())
    assert found
    assert set(found.guests) == {"web01"}
    assert found.damaged[0].fault.message.endswith(
        ": guests[1].config.sha256: it must be 64 lower-case hexadecimal digits, in quotes"
        ' (it is "short")'
    )
    assert json.loads(b"".join(render(found))) == whole


@pytest.mark.parametrize(
    "lie",
    ["[]", "3", "null", "{}", '{"name": "web01"}', '{"name": [], "config": 3, "inputs": [{}]}'],
)
def test_a_checksum_alone_makes_no_record(tmp_path: Path, lie: str) -> None:
    """Anybody can work one out: what is no record is told as damage all the same."""
    write(report(), tmp_path)
    text = (tmp_path / FILE_NAME).read_bytes()
    start, end = text.index(b"[\n") + 1, text.index(b"\n ],")
    body = text[:start] + lie.encode() + text[end : text.rindex(b',\n "crc32"')]
    found = loaded(tmp_path, body + b',\n "crc32": %-10d\n}\n' % zlib.crc32(body))
    assert found is not None
    (damage,) = found.damaged
    assert "is damaged" in damage.fault.message


def test_two_records_of_a_name_are_told(tmp_path: Path) -> None:
    whole = json.loads(b"".join(render(report())))
    (last,) = whole["guests"]
    first = last | {"shim": "4.10.1"}
    whole["guests"] = [first, last]
    found = loaded(tmp_path, json.dumps(whole).encode())
    assert found
    assert found.guests["web01"].shim == "4.10.4"
    (told,) = found.damaged
    assert told.name == "web01"
    assert "two records of web01" in told.fault.message
    assert json.loads(b"".join(render(found)))["guests"] == [last, first]


def test_what_was_read_stays_while_the_report_is_replaced(tmp_path: Path) -> None:
    write(report(), tmp_path)
    before = load(tmp_path)
    write(Report(), tmp_path)
    assert before == report()
    assert load(tmp_path) == Report()
    (tmp_path / FILE_NAME).write_bytes(b"{}")  # in place
    write(report(), tmp_path)
    before = load(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"{}")
    with pytest.raises(ShimtoolError, match="changed while it was being read"):
        _ = before.guests["web01"]


def test_a_record_that_could_not_be_read_again_is_refused(tmp_path: Path) -> None:
    (record,) = report().guests.values()
    encoded(record, tmp_path)
    with pytest.raises(ShimtoolError, match="too large"):
        encoded(replace(record, warnings=("x" * 5_000_000,)), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5",
        "[" * 1_000_000,
        '{"a":' * 100_000,
        '{"shimtool": "1", "guests": [], "kernels": ' + "9" * 10_000 + "}",
        '{"shimtool": "1", "guests": [], "kernels": NaN}',
        '{"shimtool": "1", "guests": [], "kernels": {}} {}',
        '{"shimtool": "1", "guests": [], "kernels": {}, "guests": []}',
        '{"shimtool": "1", "guests": [], "kernels": {}, "more": 1}',
        '{"shimtool": "1", "guests": [1 2], "kernels": {}}',
        '{"shimtool": "1", "guests": [1,], "kernels": {}}',
        '{"shimtool": "1", "guests": [], "kernels": {5: {}}}',
        '{"shimtool": "1", "guests": []}',
        '{"shimtool": "1", "guests": ["' + "x" * 5_000_000 + '"], "kernels": {}}',
        "shimtool: 0.1.0\nguests: []\nkernels: {}\n",
        '"\\ud800"',
        "\x00",
    ],
    ids=itertools.count(),
)
def test_hostile_text(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text.encode()) is None
