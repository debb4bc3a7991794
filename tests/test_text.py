"""Lines for people: differences are patches that `patch` takes, whatever the size of the files."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shimtool.text import diff

LONG = [str(number) for number in range(2500)]


@settings(
    deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=st.lists(st.sampled_from("abc"), max_size=4),
    after=st.lists(st.sampled_from("abc"), max_size=4),
    head=st.sampled_from([0, 1, 2500]),
    tail=st.sampled_from([0, 1, 2500]),
)
@example(before=[], after=["a", "a"], head=2500, tail=0)
@example(before=["a", "a"], after=["a"], head=2500, tail=2500)
def test_a_diff_is_a_patch(
    before: list[str], after: list[str], head: int, tail: int, tmp_path: Path
) -> None:
    one, other = (
        "".join(f"{line}\n" for line in [*LONG[:head], *middle, *LONG[:tail]]).encode()
        for middle in (before, after)
    )
    patch = diff(one, other, "old", "new")
    assert bool(patch) == (one != other)
    path = tmp_path / "old"
    path.write_bytes(one)
    if patch:
        words = ("patch", "--quiet", "--fuzz=0", path)
        subprocess.run(words, input=patch.encode(), check=True)
    assert (path.read_bytes() if path.exists() else b"") == other


@pytest.mark.parametrize("count", [2000, 2001])
def test_only_what_is_between_the_differences_is_shown_of_a_long_file(count: int) -> None:
    lines = [f"{number}\n" for number in range(count)]
    changed = [*lines[:1000], "x\n", "y\n", *lines[1002:]]
    found = diff("".join(lines).encode(), "".join(changed).encode(), "old", "new").splitlines()
    assert [line for line in found if line[0] in "+-"] == [
        "--- old", "+++ new", "-1000", "-1001", "+x", "+y",
    ]  # fmt: skip
