"""requirements.txt of the image against pyproject.toml."""

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.debs import ROOT

LOCK = (ROOT / "container/image/requirements.txt").read_text()


def test_every_dependency_is_pinned_as_it_is_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = {
        canonicalize_name(name): version
        for name, version in re.findall(r"^(\S+)==(\S+) \\$", LOCK, re.M)
    }
    for wanted in map(Requirement, project["dependencies"]):
        version = pinned[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), wanted


def test_every_pin_has_a_hash() -> None:
    assert len(re.findall(r"==", LOCK)) == len(
        re.findall(r"--hash=sha256:[0-9a-f]{64}$", LOCK, re.M)
    )
