"""Values of stored documents: what is taken, and what is said of what is not."""

import contextlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shimtool.system.stored_json import parse_json, plain
from shimtool.system.typed import (
    DamagedDocumentError,
    Key,
    Name,
    Sha256,
    Text,
    Words,
    fits,
    must,
    typed,
)
from tests.conftest import EXAMPLES


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    count: int
    pair: tuple[int, str] = (0, "")


@dataclass(frozen=True)
class Outer:
    name: Text
    color: Color
    flag: bool
    bits: Literal[32, 64]
    inner: Inner
    many: tuple[Inner, ...] = ()
    options: dict[str, Text | bool | tuple[Text, ...]] = field(default_factory=dict)
    maybe: int | None = None
    other: Annotated[str, Key("an-other")] = ""


@dataclass(frozen=True)
class Loose:
    KNOWN_ONLY: ClassVar = False
    name: str


GOOD: dict[str, Any] = {
    "name": "x", "color": "red", "flag": True, "bits": 64, "inner": {"count": 1},
    "many": [{"count": 2, "pair": [3, "z"]}],
    "options": {"a": "b", "c": False, "d": ["e"]}, "an-other": "o",
}  # fmt: skip


def test_what_is_sound_becomes_its_type() -> None:
    assert typed(GOOD, Outer) == Outer(
        "x", Color.RED, flag=True, bits=64, inner=Inner(1), many=(Inner(2, (3, "z")),),
        options={"a": "b", "c": False, "d": ("e",)}, other="o",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": 5}, "name: it must be a text (it is 5)"),
        ({"name": "a\0b"}, "name: it must be a text that can be bytes, without NUL"),
        ({"name": "\ud800"}, "name: it must be a text that can be bytes, without NUL"),
        ({"color": "pink"}, 'color: it must be one of: red, blue (it is "pink")'),
        ({"flag": 1}, "flag: it must be true or false (it is 1)"),
        ({"bits": 16}, "bits: it must be 32 or 64 (it is 16)"),
        ({"bits": 64.0}, "bits: it must be 32 or 64 (it is 64.0)"),
        ({"inner": {"count": True}}, "inner.count: it must be a whole number (it is true)"),
        ({"inner": []}, "inner: it must be a mapping (it is a list of 0)"),
        ({"inner": {}}, "inner.count: it is missing"),
        ({"inner": {"count": 1, "more": 2}}, "inner.more: there is no such field"),
        ({"many": {}}, "many: it must be a list (it is a mapping)"),
        ({"many": [{"count": 1}, {"count": "2"}]}, "many[1].count: it must be a whole number"),
        ({"many": [{"count": 1, "pair": [1]}]}, "many[0].pair: it must be a list of 2"),
        ({"options": {"a": [1]}}, "options.a[0]: it must be a text"),
        ({"maybe": "1"}, "maybe: it must be"),
        ({"other": ""}, "other: there is no such field"),
        ({"name": "y" * 500 + "\0"}, "..."),
    ],
)
def test_what_is_wrong_is_told_by_its_field(change: dict[str, Any], said: str) -> None:
    with pytest.raises(DamagedDocumentError) as damaged:
        typed(GOOD | change, Outer)
    assert said in str(damaged.value)
    assert len(str(damaged.value)) < 300


def test_a_document_inside_of_another_is_told_by_its_place() -> None:
    with pytest.raises(DamagedDocumentError, match=r"guests\[3\].color: "):
        typed(GOOD | {"color": 1}, Outer, "guests[3]")


def test_a_type_may_take_more_than_it_knows() -> None:
    assert typed({"name": "x", "more": [1]}, Loose) == Loose("x")


@pytest.mark.parametrize(
    ("value", "kind", "good"),
    [
        ("4.10.4-debian", Name, True), ("-x", Name, False), ("x\n", Name, False),
        ("a" * 64, Sha256, True), ("A" * 64, Sha256, False), ("a" * 64 + "\n", Sha256, False),
        ("", Words, False), (5, Words, False), ("x", Words, True),
    ],
)  # fmt: skip
def test_rules_hold_for_the_whole_text(
    value: object,
    kind: Any,  # noqa: ANN401 - a type alias has no type of its own
    good: bool,
) -> None:
    assert fits(value, kind) is good
    assert must(kind)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, max_examples=EXAMPLES)
@given(value=JSON)
def test_anything_gives_a_value_or_one_error(
    value: Any,  # noqa: ANN401 - any JSON
) -> None:
    for document in (value, GOOD | {"inner": value}, GOOD | {"options": value}):
        try:
            typed(document, Outer)
        except DamagedDocumentError as error:
            assert str(error)


@settings(deadline=None, max_examples=EXAMPLES)
@given(data=st.binary(max_size=60))
def test_text_of_any_bytes_comes_back(data: bytes) -> None:
    text = data.decode(errors="surrogateescape")
    assert parse_json(json.dumps(plain({"a": [text]})).encode()) == {"a": [text]}


@settings(deadline=None, max_examples=EXAMPLES)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_json_or_one_error(data: bytes) -> None:
    with contextlib.suppress(DamagedDocumentError, UnicodeError):
        plain(parse_json(data))


@pytest.mark.parametrize("text", ["NaN", "-Infinity", "1e999", "[" * 100_000, '{"base64": "!"}'])
def test_what_could_not_be_written_again_is_refused(text: str) -> None:
    with pytest.raises(DamagedDocumentError):
        parse_json(text.encode())
