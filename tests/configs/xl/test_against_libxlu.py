"""The parser and the editor against Xen's own reader, on every fixture and on made-up configs."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from shimtool.errors import ShimtoolError
from shimtool.model import ConfigEdits, ConfigValue
from tests.configs.xl.support import FIXTURES, document, edited, refusal, tree
from tests.conftest import EXAMPLES
from tests.support import libxlu
from tests.support.config_strategies import CONFIGS, EDITS, HEAPS, MUTATED

many = settings(max_examples=EXAMPLES, deadline=None)
fewer = settings(max_examples=EXAMPLES // 5, deadline=None)


def keys_in(data: bytes) -> set[str]:
    """Return all words that could be keys."""
    return {key.decode() for key in re.findall(rb"[a-z][._0-9a-z]*", data)}


def check(data: bytes) -> None:
    """Assert that we take a config exactly as libxlu does."""
    ours = document(data)
    with libxlu.reading(data) as theirs:
        assert (ours is not None) == theirs.accepted, theirs.complaints
        if ours is None:
            check_lines(data, theirs)
            return
        assert ours.data == data
        found = {key: theirs.value(key) for key in keys_in(data)}
        assert set(ours.keys()) == {key for key, value in found.items() if value is not None}
        for key in sorted(ours.keys()):
            value = ours.value(key)
            assert value is not None
            assert found[key] == tree(value), key
            try:
                number = ours.integer(key)
            except ShimtoolError:
                number = None
            assert theirs.integer(key) == number, key


def check_lines(data: bytes, theirs: libxlu.Reading) -> None:
    """Assert that we name each line that libxlu names, and the same first one."""
    faults = refusal(data)
    assert all(fault.where and fault.message for fault in faults)
    if b"\0" in data or len(faults) > 50 or any("CRLF" in fault.message for fault in faults):
        return  # told in a single fault, on purpose
    ours = {fault.where.line or 0: fault.message for fault in faults if fault.where}
    clashes = {line for line in ours if "cannot add" in ours[line]}
    if b"can't add" in theirs.complaints:
        # It names the line where the value ends, we the one where it begins.
        assert min(ours) <= theirs.lines()[0]
        return
    # After an error libxlu looks at no += any more, we do.
    assert set(theirs.lines()) <= set(ours), theirs.complaints
    assert min(theirs.lines()) == min(set(ours) - clashes | set(theirs.lines()))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_fixture(path: Path) -> None:
    check(path.read_bytes())


@many
@given(CONFIGS)
def test_made_up_config(data: bytes) -> None:
    check(data)


@many
@given(MUTATED)
def test_mutated_fixture(data: bytes) -> None:
    check(data)


@fewer
@given(HEAPS)
def test_heap_of_tokens(data: bytes) -> None:
    check(data)


@pytest.mark.parametrize(
    ("opening", "depth", "accepted"),
    [
        (b"[", 4996, True),
        (b"[", 4997, False),
        (b"[\n", 4996, True),
        (b"[\n", 4997, False),
        (b"['',", 1999, True),
        (b"['',", 2000, False),
    ],
)
def test_deep_list(opening: bytes, depth: int, accepted: bool) -> None:
    data = b"a=" + opening * depth + b"]" * depth + b"\n"
    with libxlu.reading(data) as theirs:
        assert theirs.accepted == accepted
    assert bool(refusal(data)) != accepted


def after_edit(data: bytes, edits: ConfigEdits) -> None:
    """Assert that libxlu finds in an edited config what was kept and what was set."""
    result = edited(data, edits)
    check(result)
    values = dict(edits.settings)
    gone = {*edits.comment_out, *values}
    with libxlu.reading(data) as before, libxlu.reading(result) as after:
        assert after.accepted
        for key in keys_in(data) - gone:
            assert after.value(key) == before.value(key), key
        for key in gone:
            assert after.value(key) == (as_tree(values[key]) if key in values else None), key


def as_tree(value: ConfigValue) -> libxlu.Tree:
    if isinstance(value, tuple):
        return [item.encode(errors="surrogateescape") for item in value]
    return str(value).encode(errors="surrogateescape")


@fewer
@given(CONFIGS, EDITS)
def test_edit_keeps_the_rest(data: bytes, edits: ConfigEdits) -> None:
    if document(data):
        after_edit(data, edits)


@pytest.mark.parametrize(
    "path", [path for path in FIXTURES if document(path.read_bytes())], ids=lambda path: path.stem
)
def test_edit_of_fixture_keeps_the_rest(path: Path) -> None:
    data = path.read_bytes()
    names = tuple(sorted(keys_in(data)))
    after_edit(data, ConfigEdits(names[::2], (("vcpus", 3),)))
    after_edit(data, ConfigEdits(names[1::2], (("vcpus", "3"),)))
