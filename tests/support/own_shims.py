"""Assets with shims of a test's own, or none."""

from pathlib import Path

import pytest

from shimtool.assets import VARIABLE, find_assets


def own_shims(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let shimtool's assets be those in `folder`, where shims can be added; return their folder."""
    real, assets = find_assets(), folder / "assets"
    assets.mkdir()
    for path in real.root.iterdir():
        if path != real.shims:
            (assets / path.name).symlink_to(path.absolute())
    (assets / real.shims.name).mkdir()
    monkeypatch.setenv(VARIABLE, str(assets))
    return assets / real.shims.name
