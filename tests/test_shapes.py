"""The tables of golden configs name each of them once, with its kind and its source."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
FOLDERS = ("plan/data", "configs/libvirt/data", "configs/xm/data", "configs/sxp/data")


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_shape_is_listed_with_kind_and_source(folder: str) -> None:
    lines = (HERE / folder / "SHAPES.md").read_text().splitlines()
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    head, *rows = table
    assert head == ["shape", "kind", "source"]
    patterns = ("*.cfg", "*.xml", "*.sxp")
    cases = [path.stem for pattern in patterns for path in (HERE / folder).glob(pattern)]
    assert [row[0] for row in rows] == sorted(cases)
    assert all(len(row) == 3 and all(row) for row in rows)
