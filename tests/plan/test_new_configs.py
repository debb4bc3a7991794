"""New configs for every Xen release: only keys and syntax that its xl reads."""

import os

import pytest

from shimtool.commands.outcomes import Refused
from shimtool.commands.planning import plan_guests
from shimtool.commands.settings import GuestSettings
from shimtool.dom0.releases import Release, release_of, releases
from shimtool.model import Mode
from tests.plan.support import CASES
from tests.support.dom0 import Dom0
from tests.support.libxlu import reading
from tests.support.planning import planned, run_on

# Each release that is described, and its branch when the point release is not known.
RELEASES = sorted({profile.name for profile in releases()} | {"4.7", "4.8", "4.9", "4.10"})


def profile(release: str) -> Release:
    major, minor, *point = map(int, release.split("."))
    return release_of((major, minor, point[0] if point else None))


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_written_is_what_this_xl_reads(release: str, dom0: Dom0) -> None:
    """Every golden config, by the key list of the release and by libxlutil's own parser."""
    run = run_on(dom0, GuestSettings(xen=release, force=True))
    count = 0
    for outcome in plan_guests(CASES, run):
        if isinstance(outcome, Refused):
            continue
        count += 1
        settings = dict(outcome.plan.edits.settings)
        assert settings.keys() <= profile(release).keys, outcome.config
        config = outcome.new_config
        with reading(config) as seen:
            assert seen.accepted, seen.complaints
            for key, value in settings.items():
                items = [os.fsencode(item) for item in value] if isinstance(value, tuple) else None
                assert seen.value(key) == (items or str(value).encode())
            modern = "type" in profile(release).keys
            kind = b"pvh" if outcome.plan.mode is Mode.PVH else b"hvm"
            assert seen.value("type" if modern else "builder") == kind
            assert seen.value("builder" if modern else "type") is None
    assert count >= 10


@pytest.mark.parametrize("release", ["4.4", "4.9"])
def test_no_append_is_written_for_a_parser_that_does_not_know_it(release: str, dom0: Dom0) -> None:
    config = dom0.guest("plain", "vif = ['bridge=br0']\nmaxvcpus = 4\n")
    outcome = planned(config, run_on(dom0, GuestSettings(xen=release, force=True)))
    lines = [line for line in outcome.new_config.splitlines() if not line.startswith(b"#")]
    assert [line for line in lines if line.split(b"=")[0].endswith(b"+")] == []
