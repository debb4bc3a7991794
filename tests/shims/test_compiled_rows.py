"""The package's YAML files and their rows in JSON beside them."""

import json
from pathlib import Path

import pytest

from shimtool.dom0.releases import FILE, read_releases, releases
from shimtool.system.yaml_rows import compile_rows, compiled_file
from tests.support.compiled_rows import FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_each_is_compiled(path: Path) -> None:
    assert compiled_file(path).read_bytes() == compile_rows(path), "run `make rows`"


def test_rows_of_another_file_are_not_used(tmp_path: Path) -> None:
    copy = tmp_path / FILE.name
    copy.write_bytes(FILE.read_bytes() + b"# edited\n")
    rows = json.loads(compiled_file(FILE).read_bytes())
    compiled_file(copy).write_text(json.dumps({**rows, "rows": []}))
    assert read_releases(copy) == releases()
