"""Classes made late are as those of the standard library; patterns, too."""

import copy
import dataclasses
import re
from dataclasses import FrozenInstanceError, field
from typing import Any

import pytest

from shimtool import deferred


def _classes(dataclass: Any) -> tuple[type[Any], type[Any]]:  # noqa: ANN401 - either of the two
    @dataclass(frozen=True, slots=True)
    class Frozen:
        """Has all that ours have."""

        first: int
        second: list[str] = field(default_factory=list, compare=False)
        third: str = field(default="x", repr=False)
        fixed: int = field(init=False, default=7)

    @dataclass(slots=True, kw_only=True)
    class Open:
        one: int
        many: dict[str, int] = field(default_factory=dict)
        made: int = field(init=False)

        def __post_init__(self) -> None:
            self.made = self.one + 1

    return Frozen, Open


OURS, THEIRS = _classes(deferred.dataclass), _classes(dataclasses.dataclass)


@pytest.mark.parametrize("values", [(1,), (1, ["a"]), (1, ["a"], "y")])
def test_frozen_ones_are_as_the_standard_library_s(values: tuple[Any, ...]) -> None:
    ours, theirs = OURS[0](*values), THEIRS[0](*values)
    assert repr(ours) == repr(theirs)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert hash(ours) == hash(theirs)
    assert ours == OURS[0](values[0], ["other"], *values[2:])
    assert ours != OURS[0](2) and ours != theirs
    assert dataclasses.replace(ours, first=3) == OURS[0](3, *values[1:])
    assert ours.second is not OURS[0](1).second
    assert OURS[0].__match_args__ == THEIRS[0].__match_args__
    assert not hasattr(ours, "__dict__")


def test_frozen_ones_do_not_change() -> None:
    ours = OURS[0](1)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'first'"):
        ours.first = 2
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'first'"):
        del ours.first


def test_open_ones_are_as_the_standard_library_s() -> None:
    ours, theirs = OURS[1](one=1, many={"a": 1}), THEIRS[1](one=1, many={"a": 1})
    assert repr(ours) == repr(theirs)
    assert (ours.made, ours == OURS[1](one=1, many={"a": 1})) == (2, True)
    assert OURS[1].__hash__ is None
    ours.one = 5
    assert ours.one == 5


@pytest.mark.parametrize(("index", "values"), [(0, ()), (0, (1, [], "x", 7)), (1, (1,))])
def test_wrong_calls_are_refused(index: int, values: tuple[Any, ...]) -> None:
    for classes in (OURS, THEIRS):
        with pytest.raises(TypeError, match="__init__"):
            classes[index](*values)


def test_a_copy_is_equal() -> None:
    ours = OURS[0](1, ["a"], "y")
    assert copy.deepcopy(ours) == ours


def test_a_pattern_is_compiled_when_it_is_asked() -> None:
    broken = deferred.regex("(")
    with pytest.raises(re.error):
        broken.match("x")
    whole = deferred.regex("a(b)", re.IGNORECASE)
    found = whole.fullmatch("AB")
    assert found is not None and found[1] == "B"
    assert (whole.pattern, whole.groups) == ("a(b)", 1)
