"""The golden configs under Xen's own xl: what it takes we take, and it takes what comes of them."""

import json
from pathlib import Path

import pytest

from tests.plan.support import CASES, DATA
from tests.support.real_xl import created

RESULTS = sorted((DATA / "expected").glob("*.cfg"))
# What xl 4.17 refuses, and we take: of xl up to 4.9 (which took any builder) or of xend.
OLDER = {
    "builder-of-any-other-word": "Invalid domain type",
    "builder-pv": "Invalid domain type",
    "hvm-keys-left-by-a-template": "Invalid domain type",
    "mirage-2-with-settings": "Invalid domain type",
    "mirage-unikernel": "Invalid domain type",
    "suse-blank-at-the-end": "Invalid domain type",
    "xend-leftovers": "Invalid domain type",
    "xend-sxp": "parsing error",
    "xend-sxp-with-arguments-for-pygrub": "parsing error",
    "empty-strings": "Unknown device_model_version",
}
# Here xl asks the hypervisor about pools.
ASKS = "pool-pinned-and-capped"


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.stem.startswith("refused-")], ids=lambda at: at.stem
)
def test_xl_takes_what_we_take(case: Path) -> None:
    found = created(case)
    if isinstance(found, str):
        assert OLDER.get(case.stem, "pool") in found
        assert case.stem in OLDER or case.stem == ASKS
    else:
        assert case.stem not in OLDER
        assert _type(found) == "pv"


@pytest.mark.parametrize("result", RESULTS, ids=lambda at: at.stem)
def test_xl_takes_what_comes_of_it(result: Path) -> None:
    """With the same disks and interfaces as before: names, files, access and addresses."""
    name, _, host = result.stem.removesuffix(".4.9.2").partition(".")
    found, before = created(result), created(DATA / f"{name}.cfg")
    if name == ASKS:
        assert "pool" in str(found)
        return
    assert isinstance(found, dict), found
    assert _type(found) == ("pvh" if host == "pvh" else "hvm")
    if isinstance(before, dict):
        assert _devices(found) == _devices(before)


def _type(found: dict[str, object]) -> object:
    return dict(json.loads(json.dumps(found["c_info"])))["type"]


def _devices(found: dict[str, object]) -> list[dict[str, object]]:
    devices = json.loads(json.dumps([found.get("disks", []), found.get("nics", [])]))
    kept = ("vdev", "pdev_path", "readwrite", "backend_domname", "script", "mac", "bridge", "ip")
    return [
        {key: value for key, value in each.items() if key in kept}
        for of_a_kind in devices
        for each in of_a_kind
    ]
